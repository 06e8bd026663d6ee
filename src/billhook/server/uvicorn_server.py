"""Serves the application on one socket with uvicorn, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket  # noqa: TID251 - for the type of the listening socket
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final

import structlog
import uvicorn

from billhook.engine.stop import SERVER_STOPPED
from billhook.portal.installation import environment
from billhook.server.app import Application
from billhook.server.connections.protocol import BoundedProtocol
from billhook.server.connections.slow_readers import SlowReaders
from billhook.server.errors import CannotStart
from billhook.server.service_manager import ServiceManager

log = structlog.get_logger("billhook.server")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GARBAGE_THRESHOLDS: Final = (20_000, 20, 20)
_SWITCH_INTERVAL: Final = 0.001
_KEEP_ALIVE: Final = 65
"""Seconds for which an idle connection stays open: longer than reverse proxies keep theirs."""


def serve_in_this_process(application: Application, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; then finish the requests in progress, and return.

    Raises:
        CannotStart: if a part of the application can't start; the log explains why.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    _favour_the_loop()
    server = _Server(application)
    try:
        server.run(sockets=[listening])
    except SystemExit:  # uvicorn's way to say that the start failed
        raise CannotStart("The server could not start; see the line above.") from None


def _favour_the_loop() -> None:
    """Keep the event loop from waiting for other threads and for garbage collection.

    Objects that exist by now stay until the end, so they needn't be searched again and again. And a
    thread that computes gives way after one millisecond instead of five.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_INTERVAL)


class _Server(uvicorn.Server):
    """uvicorn's server, which ends quietly: with status 0 and without raising the signal again."""

    def __init__(self, application: Application) -> None:
        super().__init__(_config(application))
        self._application = application
        self._manager = ServiceManager.of_this_process()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests, and report that."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        self._manager.ready("Serving")
        self._manager.watch(loop)
        SlowReaders(self.server_state.connections).watch(loop)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end a server, as long as it runs."""
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl+C doesn't wait for requests in progress."""
        self._application.stop_clock.end_process_in_time()
        self._application.close()
        self._manager.stopping()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests in progress, cut off those that take too long, and stop the parts."""
        loop = asyncio.get_running_loop()
        cut = loop.call_later(self._application.stop_clock.left_for_runs, self._cut_off)
        await super().shutdown(sockets)
        cut.cancel()

    def _cut_off(self) -> None:
        tasks = tuple(self.server_state.tasks)
        log.warning("requests-cut-off", requests=len(tasks))
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # half responses are expected
        for task in tasks:
            task.cancel(SERVER_STOPPED)


def _config(application: Application) -> uvicorn.Config:
    settings = environment.current()
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=settings.stop_seconds,
    )
