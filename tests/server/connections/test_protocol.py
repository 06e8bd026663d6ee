"""The head of a request has bounds: one that never ends, or drips, costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from billhook.server.connections import protocol
from billhook.server.connections.protocol import MAX_HEAD, BoundedProtocol

REQUEST = b"POST /%d HTTP/1.1\r\nHost: billhook\r\nContent-Length: %d\r\n\r\n"


async def application(scope, receive, send):
    """Answer with the path and the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    content = f"{scope['path']} {size};".encode()
    headers = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def serving(app) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve *app*, and give one connection to it."""
    config = uvicorn.Config(app, http=BoundedProtocol, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BoundedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()
        while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn's own sets
            await asyncio.sleep(0.01)


async def pour(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Send *piece* without end, until the other side closes."""
    while True:
        try:
            writer.write(piece)
            await writer.drain()
        except OSError:
            return
        await asyncio.sleep(0)


CHUNKED = b"POST /1 HTTP/1.1\r\nHost: billhook\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"GET /", b"a" * 1000, id="request-line"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", b"a" * 1000, id="one-header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 200, id="many-headers"),
        pytest.param(CHUNKED + b"1;", b"a=b;" * 200, id="chunk-extension"),
        pytest.param(CHUNKED + b"0\r\n", b"X: a\r\n" * 200, id="trailers"),
    ],
)
async def test_an_endless_request_is_ended(start, piece):
    async with serving(application) as (_, writer):
        writer.write(start)
        await pour(writer, piece)


async def test_a_head_that_is_too_long_gets_a_response_that_says_so():
    async with serving(application) as (reader, writer):
        head = b"GET / HTTP/1.1\r\nHost: billhook\r\nX: "
        writer.write(head)
        for _ in range(3):
            await asyncio.sleep(0.05)  # so that they arrive as chunks
            writer.write(b"a" * (MAX_HEAD // 2))
        response = await reader.read()
    assert response.startswith(b"HTTP/1.1 431 ")
    assert response.endswith(b"The headers are longer than 64 KB. Send less.\n")


async def test_a_body_may_be_longer_than_a_head():
    async with serving(application) as (reader, writer):
        writer.write(REQUEST % (1, 5 * MAX_HEAD) + bytes(5 * MAX_HEAD))
        assert await reader.readuntil(b";") == answer_of(1, 5 * MAX_HEAD)


def answer_of(number: int, size: int) -> bytes:
    content = f"/{number} {size};"
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n{content}".encode()


async def test_many_requests_may_arrive_in_one_chunk():
    async with serving(application) as (reader, writer):
        for number in range(3):
            writer.write(REQUEST % (number, MAX_HEAD) + bytes(MAX_HEAD))
        writer.write(REQUEST[:20])
        for number in range(3):
            assert await reader.readuntil(b";") == answer_of(number, MAX_HEAD)


@pytest.fixture
def short_patience(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n", id="an-empty-line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: bill", id="half-a-head"),
        pytest.param(REQUEST % (1, 0) + b"GET / HTT", id="half-a-second-head"),
    ],
)
async def test_a_head_that_does_not_arrive_ends_the_connection(short_patience, begun):
    async with serving(application) as (reader, writer):
        writer.write(begun)
        response = await reader.read()
    assert response in {b"", answer_of(1, 0)}


async def test_half_a_head_does_not_end_the_response_to_the_previous_request(short_patience):
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(scope, receive, send):
        asked.set()
        await may_answer.wait()
        await application(scope, receive, send)

    async with serving(slow) as (reader, writer):
        writer.write(REQUEST % (1, 0) + b"GET / HTT")
        await asked.wait()
        await asyncio.sleep(0.2)
        may_answer.set()
        assert await reader.readuntil(b";") == answer_of(1, 0)


async def test_a_body_may_take_longer_than_a_head(short_patience):
    async with serving(application) as (reader, writer):
        writer.write(REQUEST % (1, 2) + b"a")
        await asyncio.sleep(0.2)
        writer.write(b"b")
        assert await reader.readuntil(b";") == answer_of(1, 2)
