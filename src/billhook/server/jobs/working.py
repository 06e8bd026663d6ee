"""The process of ``billhook work``: it keeps those for jobs running, and shows how they are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket  # noqa: TID251 - for the type of the listening socket
from collections.abc import AsyncIterator, Iterator
from typing import Final

import uvicorn

from billhook.gateway.body import Receive
from billhook.gateway.response import Send
from billhook.portal.installation import environment
from billhook.portal.nodes.exchange import Exchange
from billhook.portal.nodes.node import this_node
from billhook.server.database import is_database_there
from billhook.server.health import Health, Scope, nothing_here
from billhook.server.jobs.child import JobProcesses
from billhook.server.jobs.registry import name_node, readable_registry
from billhook.server.service_manager import ServiceManager
from billhook.server.threads import DatabaseThreads

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


async def keep_working(*, listening: socket.socket | None) -> None:
    """Keep the processes for jobs running until SIGTERM or SIGINT; show counters on *listening*."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    manager, jobs, exchange = ServiceManager.of_this_process(), JobProcesses(), Exchange()
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    await exchange.start()
    await jobs.start()
    manager.ready("Working on jobs")
    manager.watch(loop)
    async with _showing(jobs, listening):
        await stopped.wait()
        manager.stopping()
        await jobs.stop(seconds=environment.current().stop_seconds)
    await exchange.stop(seconds=1)


@contextlib.asynccontextmanager
async def _showing(jobs: JobProcesses, listening: socket.socket | None) -> AsyncIterator[None]:
    if listening is None:
        yield
        return
    server = _StatusServer(_health(jobs))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _health(jobs: JobProcesses) -> Health:
    probe = DatabaseThreads(1, name="health")

    async def database() -> bool:
        return await probe.run(is_database_there)

    name_node()
    return Health(
        checks={"database": database},
        registry=readable_registry(jobs),
        token=environment.current().metrics_token,
        node=this_node().name,
    )


class _StatusServer(uvicorn.Server):
    """A server of the health pages alone, which leaves the signals to its process."""

    def __init__(self, health: Health) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            respond = health if health.owns(scope) else nothing_here
            await respond(scope, receive, send)

        super().__init__(
            uvicorn.Config(
                application, lifespan="off", log_config=None, access_log=False, server_header=False
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield
