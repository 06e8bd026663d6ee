"""A harness that runs an integration's file against a real server, as the portal does."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from billhook.engine.authentication.token_store import MemoryTokenStore
from billhook.engine.command.compile import compile_command
from billhook.engine.config import IntegrationConfig
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import BillhookError
from billhook.engine.integration import open_source
from billhook.engine.integration_file.file import read_integration
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.source import Source


@dataclass(frozen=True, kw_only=True)
class Integration:
    """An integration, opened against a real server. Of its commands the first one is run."""

    config: IntegrationConfig
    secrets: Mapping[str, Secret]
    source: Source
    token_store: MemoryTokenStore

    async def outcome(self, number: str) -> bytes | str:
        """Return the document of the invoice with this *number*, or the error's code."""
        try:
            return await self._fetch(number)
        except BillhookError as error:
            return error.code

    async def reason(self, number: str) -> str:
        """Return the system's own reason why there is no document, or nothing."""
        try:
            await self._fetch(number)
        except BillhookError as error:
            return error.source_reason
        return ""

    async def _fetch(self, number: str) -> bytes:
        command = compile_command(
            self.config.commands[0],
            variables=self.config.variables,
            secrets=self.config.secrets,
            authentication=self.config.authentication,
        )
        secrets = {name: self.secrets[name] for name in command.secrets}
        values = command.values({"InvoiceNumber": number}, secrets=secrets)
        with await run_command(command, values, transport=self.source) as document:
            return document.body.read()


@asynccontextmanager
async def open_integration(
    text: str, origin: str, *, variables: Mapping[str, str], secrets: Mapping[str, str]
) -> AsyncIterator[Integration]:
    """Read *text* as an integration file, fill it, and open it; it may go to *origin* alone."""
    typed = read_integration(text)
    config = replace(typed, variables={**typed.variables, **variables})
    given = {name: Secret(value) for name, value in secrets.items()}
    policy = EgressPolicy.from_texts(allow=[origin.removeprefix("http://")])
    token_store = MemoryTokenStore()
    async with open_source(config, secrets=given, policy=policy, token_store=token_store) as source:
        yield Integration(config=config, secrets=given, source=source, token_store=token_store)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
        """Say nothing."""


@contextmanager
def serve_wsgi(app: Any) -> Iterator[str]:
    """Serve a WSGI application in a thread, and give its origin."""
    server: WSGIServer = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
