"""One ASGI application: the gateway, the health pages, and the portal for everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

import structlog

from billhook.gateway.app import Gateway
from billhook.gateway.body import Receive
from billhook.gateway.response import Send
from billhook.gateway.traces import facts
from billhook.server.health import Health

Scope = MutableMapping[str, Any]
AsgiApplication = Callable[[Any, Receive, Send], Awaitable[None]]

log = structlog.get_logger("billhook.server")


class ServerPart(Protocol):
    """A part that runs as long as the server does."""

    async def start(self) -> None:
        """Begin; raise when that is impossible."""
        ...

    async def stop(self) -> None:
        """End, with nothing lost."""
        ...


class Application:
    """Hands each request to the gateway, the health pages or the portal.

    With the server it starts *parts* in their order, and stops them in the opposite one.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        health: Health,
        portal: AsgiApplication,
        parts: Sequence[ServerPart],
    ) -> None:
        self._gateway = gateway
        self._health = health
        self._portal = portal
        self._parts = parts
        self._running: list[ServerPart] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request, or follow the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._application(scope)(scope, receive, send)

    def close(self) -> None:
        """Accept no new runs: the server is about to stop. For a signal handler."""
        self._gateway.close()

    def _application(self, scope: Scope) -> AsgiApplication:
        if self._gateway.owns(scope):
            return self._gateway
        if self._health.owns(scope):
            return self._health
        return self._portal

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server can't start
            log.error("start-failed", **facts(error))  # noqa: TRY400 - its text may hold values
            await self._stop()
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        for part in self._parts:
            await part.start()
            self._running.append(part)
        self._gateway.open()

    async def _stop(self) -> None:
        self._gateway.close()
        while self._running:
            part = self._running.pop()
            try:
                await part.stop()
            except Exception as error:  # noqa: BLE001 - the others have to be stopped, too
                log.error("stop-failed", part=type(part).__name__, **facts(error))  # noqa: TRY400
