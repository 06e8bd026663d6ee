"""An integration that the tests share, with a variable and a secret, and the source behind it."""

from __future__ import annotations

import asyncio

from asgiref.sync import async_to_sync

from billhook.engine.body import Body
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.errors import BillhookError
from billhook.engine.http.breaker import BreakerState, State
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response
from billhook.engine.secret import Secret
from billhook.portal.integrations.drafts import Draft, SecretEntry
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.services import create_integration
from billhook.portal.integrations.store import CommandStore
from billhook.portal.organisations.models import Organisation

CANARY = "canary-5d2f-do-not-show"


def command(
    *,
    name: str = "GetInvoiceImage",
    url: str = "{{BaseUrl}}/items/{{InvoiceNumber}}",
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (("X-Api-Key", "{{ApiKey}}"),),
    body: str = "",
    redirects: str = "follow",
    tokens: tuple[str, ...] = (),
) -> CommandConfig:
    step = StepConfig(method=method, url=url, headers=headers, body=body)
    return CommandConfig(name=name, steps=(step,), redirects=redirects, tokens=tokens)


def draft(
    *commands: CommandConfig,
    name: str = "Acme billing",
    base: str = "https://billing.acme.example",
    secrets: tuple[SecretEntry, ...] = (SecretEntry(name="ApiKey", value=Secret(CANARY)),),
) -> Draft:
    return Draft(
        name=name,
        variables={"BaseUrl": base},
        secrets=secrets,
        commands=commands or (command(),),
    )


def integration(organisation: Organisation, given: Draft | None = None) -> Integration:
    return create_integration(organisation=organisation, draft=given or draft())


def sources_of(
    store: CommandStore, organisation: Organisation, name: str = "GetInvoiceImage"
) -> list[LiveIntegration]:
    """Return what VIEW iterates over."""

    async def iterate() -> list[LiveIntegration]:
        return [live async for live in store.sources_of(organisation.id, name)]

    return async_to_sync(iterate)()


PDF = b"%PDF-1.7\n" + b"x" * 2000 + b"\n%%EOF\n"


class Source:
    """A source that answers from memory: what it gave, what it was asked, whether it was closed.

    ``answer`` is an error to raise, or a status with a body and headers.
    """

    def __init__(self) -> None:
        self.answer: BillhookError | tuple[int, bytes] = (200, PDF)
        self.headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/pdf"),)
        self.requests: list[WebRequest] = []
        self.closed = 0
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.state = BreakerState(state=State.CLOSED, since=None, next_try=None, failures=0)

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        self.requests.append(request)
        progress = terms.trace.begin(request.step, request.method)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        if isinstance(self.answer, BillhookError):
            progress.end(self.answer.code)
            raise self.answer
        status, body = self.answer
        progress.status, progress.received = status, len(body)
        progress.end("ok")
        return Response(status=status, headers=self.headers, body=Body(body), origin=request.origin)

    @property
    def credentials(self) -> tuple[Secret, ...]:
        return ()

    @property
    def line_out(self) -> Source:
        return self

    async def close(self) -> None:
        self.closed += 1
