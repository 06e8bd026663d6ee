"""A connection ends when its caller doesn't read the response, or reads it in drips."""

from __future__ import annotations

import asyncio
import contextlib
import socket  # noqa: TID251 - a caller with a small buffer
from collections.abc import AsyncIterator

import pytest
import uvicorn

from billhook.server.connections.protocol import MOST_PIPELINED, BoundedProtocol
from billhook.server.connections.slow_readers import SlowReaders

ASK = b"GET /%d HTTP/1.1\r\nHost: billhook\r\n\r\n"
CHUNK = bytes(100_000)


def answering(size: int, *, chunks: int = 1):
    """Return an application that answers with so many chunks of so many bytes."""

    async def application(scope, receive, send):
        headers = [(b"content-length", b"%d" % (size * chunks))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(chunks):
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        await send({"type": "http.response.body"})

    return application


class Lab:
    """A server whose clock is the test's own."""

    def __init__(self, address, state) -> None:
        self._address = address
        self.connections = state.connections
        self.readers = SlowReaders(state.connections, seconds=60, least=1000)

    async def caller(self, request: bytes) -> socket.socket:
        """Return a caller with small buffers that has sent *request*, and has read nothing."""
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(caller, self._address)
        await loop.sock_sendall(caller, request)
        await self._until_nothing_moves()
        return caller

    async def _until_nothing_moves(self) -> None:
        """Wait until the response fills all buffers on its way."""
        sizes = [0]
        while not sizes[-1] or len(set(sizes[-10:])) > 1 or len(sizes) < 10:
            await asyncio.sleep(0.01)
            sizes.append(sum(each.transport.get_write_buffer_size() for each in self.connections))

    async def look_after(self, *seconds: float) -> int:
        """Look at each of these times; return how many connections are left."""
        for now in seconds:
            self.readers.look(now)
        await asyncio.sleep(0.05)
        return len(self.connections)


@contextlib.asynccontextmanager
async def serving(application) -> AsyncIterator[Lab]:
    config = uvicorn.Config(application, http=BoundedProtocol, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BoundedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield Lab(server.sockets[0].getsockname(), state)
    finally:
        server.close()
        for connection in tuple(state.connections):
            connection.transport.abort()
        while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn's own sets
            await asyncio.sleep(0.01)


async def read(caller: socket.socket, size: int) -> None:
    loop = asyncio.get_running_loop()
    while size > 0:
        size -= len(await loop.sock_recv(caller, min(size, 4096)))


@pytest.mark.parametrize(
    "application",
    [
        pytest.param(answering(30_000_000), id="one-large-chunk"),
        pytest.param(answering(1_000_000, chunks=30), id="many-chunks"),
    ],
)
async def test_a_caller_that_reads_nothing_is_ended(application):
    async with serving(application) as lab:
        with await lab.caller(ASK % 1):
            assert await lab.look_after(0, 30, 59.9) == 1
            assert await lab.look_after(60) == 0


async def test_a_caller_that_drips_is_ended():
    async with serving(answering(30_000_000)) as lab:
        with await lab.caller(ASK % 1) as caller:
            await lab.look_after(0)
            for now in (20, 40):
                await read(caller, 10)
                assert await lab.look_after(now) == 1
            assert await lab.look_after(60) == 0


async def test_a_caller_that_reads_steadily_gets_everything():
    async with serving(answering(100_000, chunks=100)) as lab:
        with await lab.caller(ASK % 1) as caller:
            for now in range(0, 200, 20):
                assert await lab.look_after(now) == 1
                await read(caller, 1_000_000)


async def test_a_caller_that_sends_on_without_reading_is_ended():
    async with serving(answering(3_000_000)) as lab:
        with await lab.caller(ASK % 1) as caller:
            await lab.look_after(0)
            await asyncio.get_running_loop().sock_sendall(caller, ASK % 2)
            assert await lab.look_after(60) == 0


async def test_idle_connections_are_left_alone():
    async with serving(answering(10)) as lab:
        reader, writer = await asyncio.open_connection(*lab._address)
        writer.write(ASK % 1)
        await reader.readuntil(b"\r\n\r\n")
        assert await lab.look_after(0, 60, 120) == 1
        writer.close()


async def test_a_caller_that_sends_many_requests_ahead_is_ended():
    waiting = asyncio.Event()

    async def application(scope, receive, send):
        await waiting.wait()

    async with serving(application) as lab:
        reader, writer = await asyncio.open_connection(*lab._address)
        writer.write(b"".join(ASK % number for number in range(MOST_PIPELINED + 5)))
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        waiting.set()
        writer.close()
