"""Alice's organisation has an integration and a key, Bob's has others; a source is played here."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from billhook.engine.body import Body
from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.engine.record import RunRecord
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.gateway.app import Gateway

PDF = b"%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n"
ALICES_KEY = "bhk_" + "a" * 43
BOBS_KEY = "bhk_" + "b" * 43
RUN_PATH = "/api/v1/integrations/acme1/commands/GetInvoiceImage/run"
CANARY = "canary-secret-7f3a"


class Source:
    """A transport that responds as configured, and remembers its requests."""

    def __init__(self) -> None:
        self.requests: list[WebRequest] = []
        self.bodies: list[Body] = []
        self.given_up = asyncio.Event()
        self.reached = asyncio.Event()
        self.answer: Callable[[], Awaitable[tuple[int, bytes]]] = self.a_pdf

    async def a_pdf(self):
        return 200, PDF

    def says(self, status: int, body: bytes) -> None:
        async def answer():
            return status, body

        self.answer = answer

    def fails(self, error: BaseException) -> None:
        async def answer():
            raise error

        self.answer = answer

    def never_answers(self) -> None:
        async def answer():
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up.set()

        self.answer = answer

    async def exchange(self, request, terms: RunTerms) -> Response:
        self.requests.append(request)
        progress = terms.trace.begin(request.step, request.method)
        self.reached.set()
        status, content = await self.answer()
        progress.status, progress.received = status, len(content)
        progress.end("ok")
        self.bodies.append(Body(content))
        return Response(
            status=status,
            headers=(("Server", "evil/1"), ("Set-Cookie", "a=b"), ("X-Internal", CANARY)),
            body=self.bodies[-1],
            origin=request.origin,
        )


@dataclass(frozen=True, kw_only=True)
class Caller:
    key_id: str
    organisation_id: str


@dataclass(frozen=True, kw_only=True)
class AliceIntegration:
    """Her one integration, whose command is sent to *transport*."""

    transport: Transport
    id: str = "acme1"
    organisation_id: str = "alice"

    async def run(self, command, tokens, *, trace, run_id):
        assert command == COMMAND.name
        values = COMMAND.values(tokens, secrets={"ApiKey": Secret(CANARY)}, run_id=run_id)
        return await run_command(COMMAND, values, transport=self.transport, trace=trace)


@dataclass
class Store:
    """Two organisations in memory."""

    source: Source = field(default_factory=Source)
    broken: bool = False

    def caller(self, digest):
        if self.broken:
            raise RuntimeError(CANARY)
        callers = {
            _digest(ALICES_KEY): Caller(key_id="alices", organisation_id="alice"),
            _digest(BOBS_KEY): Caller(key_id="bobs", organisation_id="bob"),
        }
        return callers.get(digest)

    def find(self, caller, integration, command):
        own = caller.organisation_id == "alice" and integration in {"acme1", "Acme billing/2"}
        if not own or command != "GetInvoiceImage":
            return None
        return AliceIntegration(transport=self.source)


@dataclass
class Recorder:
    """Keeps what is recorded."""

    runs: list[RunRecord] = field(default_factory=list)

    def record(self, run):
        self.runs.append(run)


COMMAND = compile_command(
    CommandConfig(
        name="GetInvoiceImage",
        steps=(
            StepConfig(
                method="GET",
                url="https://billing.example.com/items/{{InvoiceNumber}}?run={{RunId}}",
                headers=(("X-Api-Key", "{{ApiKey}}"),),
            ),
        ),
        accept=("application/pdf", "image/png"),
    ),
    secrets=["ApiKey"],
)


def make_gateway(**more) -> tuple[Gateway, Source, Recorder]:
    store, recorder = Store(), Recorder()
    gateway = Gateway(store=more.pop("store", store), recorder=recorder, **more)
    gateway.open()
    return gateway, store.source, recorder


def bearer(key: str = ALICES_KEY) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {key}".encode()), (b"content-type", b"application/json")]


def tokens(**values: object) -> list[bytes]:
    return [json.dumps({"tokens": values or {"InvoiceNumber": "INV-1"}}).encode()]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
