"""Alice's organisation has an integration and a key, Bob's has others; a source is played here."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from billhook.engine.body import Body
from billhook.engine.command.command import Command
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
READERS_KEY = "bhk_" + "r" * 43
OLD_KEY = "bhk_" + "o" * 43
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
    may_run: bool = True
    expires_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class AliceIntegration:
    """Her one integration, whose command is sent to *transport*."""

    transport: Transport
    id: str = "acme1"
    organisation_id: str = "alice"

    async def run(self, command, tokens, *, trace, run_id):
        known = COMMANDS[command]
        values = known.values(tokens, secrets={"ApiKey": Secret(CANARY)}, run_id=run_id)
        return await run_command(known, values, transport=self.transport, trace=trace)


@dataclass
class Store:
    """Two organisations. ``cold``: they aren't in memory. ``away``: nor can they be read."""

    source: Source = field(default_factory=Source)
    broken: bool = False
    cold: bool = False
    away: bool = False

    def caller(self, digest):
        if self.broken:
            raise RuntimeError(CANARY)
        return None if self.cold else self._known_caller(digest)

    async def read_caller(self, digest):
        self._ask()
        return self._known_caller(digest)

    def find(self, caller, integration, command):
        return None if self.cold else self._known(caller, integration, command)

    async def read_integration(self, caller, integration, command):
        self._ask()
        return self._known(caller, integration, command)

    def _ask(self):
        if self.away:
            raise ConnectionError(CANARY)

    def _known_caller(self, digest):
        callers = {
            _digest(ALICES_KEY): Caller(key_id="alices", organisation_id="alice"),
            _digest(BOBS_KEY): Caller(key_id="bobs", organisation_id="bob"),
            _digest(READERS_KEY): Caller(key_id="reader", organisation_id="alice", may_run=False),
            _digest(OLD_KEY): Caller(key_id="old", organisation_id="alice", expires_at=1.0),
        }
        return callers.get(digest)

    def _known(self, caller, integration, command):
        own = caller.organisation_id == "alice" and integration in {"acme1", "Acme billing/2"}
        if not own or command not in COMMANDS:
            return None
        return AliceIntegration(transport=self.source)


@dataclass
class Recorder:
    """Keeps what is recorded."""

    runs: list[RunRecord] = field(default_factory=list)

    def record(self, run):
        self.runs.append(run)


def _command(name: str, path: str, **more: Any) -> Command:
    step = StepConfig(
        url=f"https://billing.example.com{path}", headers=(("X-Api-Key", "{{ApiKey}}"),)
    )
    given = more or {"accept": ("application/pdf", "image/png")}
    config = CommandConfig(name=name, steps=(step,), **given)
    return compile_command(config, secrets=["ApiKey"])


COMMANDS = {
    "GetInvoiceImage": _command("GetInvoiceImage", "/items/{{InvoiceNumber}}?run={{RunId}}"),
    "GetPaymentLink": _command(
        "GetPaymentLink", "/items/{{InvoiceNumber}}/payment", payment_hosts=("pay.example.com",)
    ),
    "GetStatement": _command(
        "GetStatement", "/statements/{{CustomerNumber}}?from={{StatementStart}}&to={{StatementEnd}}"
    ),
}


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
