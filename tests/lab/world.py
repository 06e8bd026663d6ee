"""One stand-in, running on loopback, and its preset opened against it: all real but the vendor."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import ClientSession, web

import billhook
from billhook.engine.answer.document import Document
from billhook.engine.authentication.authorization import begin_authorization, finish_authorization
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.oauth2_client import make_client
from billhook.engine.authentication.token_store import MemoryTokenStore
from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import BillhookError
from billhook.engine.http.trace import OK, Trace
from billhook.engine.integration import open_source
from billhook.engine.integration_file.file import read_integration
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.source import Source
from billhook.engine.tokens.catalogue import PAYMENT_COMMAND, STATEMENT_COMMAND
from lab.invoices import NUMBERS
from lab.standin import API, FILES, StandIn

PRESETS: Final = Path(billhook.__file__).parent / "presets"
COMMAND: Final = "GetInvoiceImage"
REDIRECT_URI: Final = "https://portal.example.com/connected"
FOUND: Final = 302


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A preset's file, read: what people see, and the integration."""

    name: str
    about: Mapping[str, Any]
    config: IntegrationConfig


def read_preset(name: str) -> Preset:
    """Read the preset's file."""
    text = (PRESETS / f"{name}.toml").read_text(encoding="utf-8")
    about = tomllib.loads(text)["preset"]
    return Preset(name=name, about=about, config=read_integration(text))


@dataclass(kw_only=True)
class World:
    """A stand-in and its preset, opened against it: runs commands as the portal does."""

    stand_in: Any
    config: IntegrationConfig
    secrets: Mapping[str, Secret]
    source: Source
    token_store: MemoryTokenStore
    traces: list[Trace] = field(default_factory=list)

    async def fetch(self, number: str, **tokens: str) -> bytes:
        """Get the document of the invoice with this *number*; return its bytes."""
        with await self.open(number, **tokens) as document:
            return document.body.read()

    async def link(self, number: str) -> str:
        """Return the link to the page where the invoice is paid, or the error's code."""
        try:
            with await self.open(number, command_name=PAYMENT_COMMAND) as document:
                return document.body.read().decode()
        except BillhookError as error:
            return error.code

    async def statement(self, customer_number: str, start: date, end: date) -> bytes:
        """Get the statement of the customer with this number for a period; return its bytes."""
        tokens = {
            "CustomerNumber": customer_number,
            "StatementStart": start.isoformat(),
            "StatementEnd": end.isoformat(),
        }
        with await self._run(STATEMENT_COMMAND, tokens) as document:
            return document.body.read()

    async def open(self, number: str, *, command_name: str = COMMAND, **tokens: str) -> Document:
        """Get the document itself, with its name and type. Close it."""
        return await self._run(command_name, {**self.stand_in.tokens(number), **tokens})

    async def _run(self, command_name: str, tokens: Mapping[str, str]) -> Document:
        if self._is_to_be_connected and await self.token_store.load() is None:
            await self.connect()
        command = self._compile(command_name)
        trace = Trace()
        self.traces.append(trace)
        secrets = {name: self.secrets[name] for name in command.secrets}
        values = command.values(tokens, secrets=secrets)
        return await run_command(command, values, transport=self.source, trace=trace)

    async def outcome(self, number: str, **tokens: str) -> str:
        """Return ``ok`` or the error's code."""
        try:
            await self.fetch(number, **tokens)
        except BillhookError as error:
            return error.code
        return OK

    async def reason(self, number: str) -> str:
        """Return the source's own reason for a failure, or nothing."""
        try:
            await self.fetch(number)
        except BillhookError as error:
            return error.source_reason
        return ""

    async def fetch_all(self) -> None:
        """Fetch all ten that the system can hold, and compare each byte by byte."""
        for number in NUMBERS:
            if number not in self.stand_in.impossible:
                await self.fetch_right(number)

    async def fetch_right(self, number: str) -> None:
        """Fetch one and compare it byte by byte."""
        invoice = self.stand_in.find(number=number)
        assert await self.fetch(number) == self.stand_in.expected(invoice), number

    async def connect(self) -> None:
        """Do what a person does with two clicks: agree there, and come back with a code."""
        assert self.config.authentication is not None
        plan = compile_authentication(
            self.config.authentication, variables=self.config.variables, secrets=self.config.secrets
        )
        client = make_client(plan, self.secrets)
        begun = begin_authorization(client, redirect_uri=REDIRECT_URI)
        async with (
            ClientSession() as browser,
            browser.get(begun.url, allow_redirects=False) as response,
        ):
            assert response.status == FOUND, await response.text()
            query = urlsplit(response.headers["Location"]).query
        await finish_authorization(
            client,
            query=query,
            state=begun.state,
            verifier=begun.verifier,
            redirect_uri=REDIRECT_URI,
            token_store=self.token_store,
            transport=self.source.line_out,
            trace=Trace(),
            deadline=asyncio.get_running_loop().time() + 30,
        )

    @property
    def _is_to_be_connected(self) -> bool:
        authentication = self.config.authentication
        return authentication is not None and authentication.scheme == "oauth2-authorization-code"

    def _compile(self, name: str) -> Command:
        return compile_command(
            get_command(self.config, name),
            variables=self.config.variables,
            secrets=self.config.secrets,
            authentication=self.config.authentication,
        )


def get_command(config: IntegrationConfig, name: str = COMMAND) -> CommandConfig:
    """Return the command of this *name*: the one that gets the document unless given."""
    return next(each for each in config.commands if each.name == name)


@asynccontextmanager
async def open_world(
    kind: type[StandIn],
    *,
    secrets: Mapping[str, str] | None = None,
    config: IntegrationConfig | None = None,
) -> AsyncIterator[World]:
    """Start a stand-in of *kind*, and open its preset, or *config*, against it.

    *secrets* replace some of the right ones. At the end, a bug of the stand-in is raised.
    """
    stand_in = kind()
    async with AsyncExitStack() as stack:
        for site in (API, FILES):
            stand_in.origins[site] = await _serve(stack, stand_in, site)
        filled = _fill(config or read_preset(kind.preset).config, stand_in.variables())
        given = {
            name: Secret(text) for name, text in {**stand_in.secrets, **(secrets or {})}.items()
        }
        token_store = MemoryTokenStore()
        source = open_source(
            filled, secrets=given, policy=_policy(stand_in), token_store=token_store
        )
        await stack.enter_async_context(source)
        world = World(
            stand_in=stand_in, config=filled, secrets=given, source=source, token_store=token_store
        )
        yield world
    if stand_in.bugs:
        raise stand_in.bugs[0]


async def _serve(stack: AsyncExitStack, stand_in: StandIn, site: str) -> str:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await stand_in.handle(site, request)

    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{anything:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


def _policy(stand_in: StandIn) -> EgressPolicy:
    """Allow the stand-in's two origins and nothing else."""
    places = [origin.removeprefix("http://") for origin in stand_in.origins.values()]
    return EgressPolicy.from_texts(allow=places, also_led=True)


def _fill(config: IntegrationConfig, variables: Mapping[str, str]) -> IntegrationConfig:
    """Put in what a member would type. The lab replaces every address, too."""
    unknown = set(variables) - set(config.variables)
    assert not unknown, f"the preset has no variables {sorted(unknown)}"
    filled = {**config.variables, **variables}
    outside = [name for name, value in filled.items() if value.startswith("https://")]
    assert not outside, f"these lead out of the laboratory: {outside}"
    return replace(config, variables=filled)
