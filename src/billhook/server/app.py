"""One ASGI application: the gateway, the health pages, and the portal for everything else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, Protocol

import structlog

from billhook.engine.stop import ServerStopped, is_server_stop
from billhook.gateway.app import Gateway
from billhook.gateway.body import Receive
from billhook.gateway.response import Send, plain_reply
from billhook.gateway.traces import facts
from billhook.server.health import Health
from billhook.server.stop import StopClock

Scope = MutableMapping[str, Any]
AsgiApplication = Callable[[Any, Receive, Send], Awaitable[None]]

log = structlog.get_logger("billhook.server")

_LEAST: Final = 0.2
"""Seconds that every part gets for its stop, and that stay for the end of the process."""


class ServerPart(Protocol):
    """A part that runs as long as the server does."""

    async def start(self) -> None:
        """Begin; raise when that is impossible."""
        ...

    async def stop(self, *, seconds: float) -> None:
        """End within *seconds*, with nothing lost."""
        ...


class Application:
    """Hands each request to the gateway, the health pages or the portal.

    With the server it starts *parts* in their order, and stops them in the opposite one. A stop
    takes at most *stop_seconds*, and calls *on_close* first. Half of the seconds that the runs in
    progress leave are kept for the first part, which writes what the others have left.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        health: Health,
        portal: AsgiApplication,
        parts: Sequence[ServerPart],
        stop_seconds: float,
        on_close: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._gateway = gateway
        self._health = health
        self._portal = portal
        self._parts = parts
        self._running: list[ServerPart] = []
        self._on_close = on_close
        self.stop_clock = StopClock(stop_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request, or follow the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._application(scope)(scope, receive, send)
            except asyncio.CancelledError as error:
                if not is_server_stop(error):
                    raise
                with contextlib.suppress(RuntimeError):  # a response has begun: no other can
                    await plain_reply(ServerStopped()).send(send)

    def close(self) -> None:
        """Accept no new runs: the server is about to stop. For a signal handler."""
        self._gateway.close()
        self.stop_clock.start()
        for call in self._on_close:
            call()

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
        self.close()
        first = self._running[:1]
        others_end = self.stop_clock.left / 2
        while self._running:
            part = self._running.pop()
            reserve = 0.0 if part in first else others_end
            await _stop_part(part, max(_LEAST, self.stop_clock.left - reserve - _LEAST))


async def _stop_part(part: ServerPart, seconds: float) -> None:
    name = type(part).__name__
    try:
        async with asyncio.timeout(seconds):
            await part.stop(seconds=seconds)
    except TimeoutError:
        log.warning("stop-given-up", part=name)
    except Exception as error:  # noqa: BLE001 - the others have to be stopped, too
        log.error("stop-failed", part=name, **facts(error))  # noqa: TRY400
