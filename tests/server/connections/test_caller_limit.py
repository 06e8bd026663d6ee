"""Callers are kept below the limit of open files: beyond it they get a 503 of our own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import shutil
import time
from collections.abc import AsyncIterator

import pytest
import uvicorn

from billhook.server.connections import caller_limit as limits
from billhook.server.connections import protocol
from billhook.server.connections.caller_limit import CallerLimit, caller_limit
from billhook.server.connections.protocol import BoundedProtocol
from server.serving_process import Serving, allowing
from waiting import until


@pytest.mark.parametrize(
    ("files", "served"),
    [
        pytest.param(128, 21, id="very-few"),
        pytest.param(1024, 419, id="usual"),
        pytest.param(65_536, 20_000, id="many"),
        pytest.param(resource.RLIM_INFINITY, 20_000, id="no-limit"),
        pytest.param(50, 4, id="hardly-any"),
    ],
)
def test_half_of_the_files_are_for_callers(monkeypatch, files, served):
    monkeypatch.setattr(limits.resource, "getrlimit", lambda _: (files, files))
    caller_limit.cache_clear()
    found = caller_limit()
    caller_limit.cache_clear()

    assert found.served == served
    if files > 100:
        assert found.accepted + found.served + limits.OWN_FILES <= max(files, 128)


async def application(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    content = scope["path"].encode()
    headers = [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Caller:
    """A caller with a connection of its own."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def ask(self, path):
        """Return status and body of the response, and whether the connection stays open."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: billhook\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = await self._reader.readexactly(length)
        return int(head.split()[1]), body, "connection: close" not in head

    def send(self, text):
        """Send *text*, and wait for no response."""
        self._writer.write(text)

    async def is_closed(self):
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self._reader.read(), 5) is not None
        return True

    def leave(self):
        self._writer.close()


@contextlib.asynccontextmanager
async def serving(monkeypatch, *, served: int) -> AsyncIterator:
    """Serve so many callers; give a function that connects one more."""
    limit = CallerLimit(served)
    monkeypatch.setattr("billhook.server.connections.protocol.caller_limit", lambda: limit)
    config = uvicorn.Config(application, http=BoundedProtocol, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    callers, accepted = [], []

    def accept():
        accepted.append(BoundedProtocol(config=config, server_state=state, app_state={}))
        return accepted[-1]

    server = await loop.create_server(accept, "127.0.0.1", 0)

    async def connect():
        address = server.sockets[0].getsockname()
        callers.append(Caller(*await asyncio.open_connection(*address)))
        await until(lambda: len(accepted) == len(callers) and accepted[-1].transport is not None)
        return callers[-1]

    connect.limit = limit
    try:
        yield connect
    finally:
        for caller in callers:
            caller.leave()
        server.close()
        while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn's own sets
            await asyncio.sleep(0.01)


async def test_a_caller_beyond_the_limit_gets_a_503_and_is_closed(monkeypatch):
    async with serving(monkeypatch, served=2) as connect:
        first, second, third = [await connect() for _ in range(3)]

        assert await first.ask("/a") == (200, b"/a", True)
        status, body, stays = await third.ask("/a")
        assert (status, stays) == (503, False)
        assert (
            body == b"Too many callers are connected at the moment. Try again in a few seconds.\n"
        )
        assert await second.ask("/b") == (200, b"/b", True)


async def test_a_program_beyond_the_limit_gets_a_problem(monkeypatch):
    async with serving(monkeypatch, served=1) as connect:
        await connect()
        status, body, _ = await (await connect()).ask("/api/v1/anything")

        assert (status, json.loads(body)["code"]) == (503, "too-many-callers")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_the_health_of_a_full_server_can_be_asked_for(monkeypatch, path):
    async with serving(monkeypatch, served=1) as connect:
        await connect()

        assert (await (await connect()).ask(path))[0] == 200


async def test_a_place_that_becomes_free_is_taken_by_a_caller_that_waits(monkeypatch):
    async with serving(monkeypatch, served=1) as connect:
        first, second = await connect(), await connect()
        first.leave()
        await until(lambda: connect.limit.free == 1)

        assert (await second.ask("/a"))[0] == 200
        assert connect.limit.free == 0


async def test_every_place_is_given_back(monkeypatch):
    async with serving(monkeypatch, served=3) as connect:
        for caller in [await connect() for _ in range(5)]:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await caller.ask("/a")
            caller.leave()

        await until(lambda: connect.limit.free == 3)


async def test_idle_connections_are_closed_to_make_room(monkeypatch):
    monkeypatch.setattr(limits, "ROOM_EVERY", 0.1)
    async with serving(monkeypatch, served=2) as connect:
        after_a_request, without_any = await connect(), await connect()
        await after_a_request.ask("/a")
        await asyncio.sleep(0.2)
        third = await connect()

        assert await after_a_request.is_closed()
        assert await without_any.is_closed()
        assert (await third.ask("/a"))[0] == 200


@pytest.mark.parametrize("length", ["Content-Length: 9", "Transfer-Encoding: chunked"])
async def test_who_is_slow_to_send_a_short_body_makes_room(monkeypatch, length):
    monkeypatch.setattr(limits, "ROOM_EVERY", 0.1)
    monkeypatch.setattr(protocol, "SLOW_BODY_SECONDS", 0.1)
    async with serving(monkeypatch, served=1) as connect:
        slow = await connect()
        slow.send(f"POST /a HTTP/1.1\r\nHost: billhook\r\n{length}\r\n\r\n".encode())
        await asyncio.sleep(0.3)
        other = await connect()

        assert (await other.ask("/b"))[0] == 200
        assert await slow.is_closed()


async def test_who_is_slow_to_send_another_head_makes_room(monkeypatch):
    monkeypatch.setattr(limits, "ROOM_EVERY", 0.1)
    async with serving(monkeypatch, served=1) as connect:
        slow = await connect()
        await slow.ask("/a")
        slow.send(b"GET /a HTTP/1.1\r\nHo")
        await asyncio.sleep(0.2)
        other = await connect()

        assert (await other.ask("/b"))[0] == 200
        assert await slow.is_closed()


async def test_a_long_body_in_progress_stays(monkeypatch):
    monkeypatch.setattr(limits, "ROOM_EVERY", 0.1)
    monkeypatch.setattr(protocol, "SLOW_BODY_SECONDS", 0.1)
    async with serving(monkeypatch, served=1) as connect:
        member = await connect()
        member.send(b"POST /a HTTP/1.1\r\nHost: billhook\r\nContent-Length: 99999\r\n\r\n")
        await asyncio.sleep(0.3)

        assert (await (await connect()).ask("/b"))[0] == 503


async def test_far_beyond_the_limit_a_connection_is_refused_at_once(monkeypatch):
    async with serving(monkeypatch, served=1) as connect:
        callers = [await connect() for _ in range(6)]

        status, _, stays = await callers[-1].ask("/a")
        assert (status, stays) == (503, False)


@pytest.fixture
def few_files(filled, source, tmp_path):
    """A server that may open 128 files."""
    data = shutil.copytree(filled[0], tmp_path / "data")
    serving = Serving(data, before=("prlimit", "--nofile=128:128"), **allowing(source))
    yield serving, filled[1]
    serving.stop()


def status_of_run(serving, seeded) -> int:
    """Return the status of a run, and 503 where the connection ends before we have sent it."""
    try:
        return serving.run(seeded)[0].status
    except ConnectionError:
        return 503


def test_many_callers_do_not_blame_the_source(few_files):
    serving, seeded = few_files
    opened = [serving.connection() for _ in range(150)]
    for connection in opened:
        connection.connect()
    statuses = [status_of_run(serving, seeded)]
    for connection in opened:
        connection.close()
    ends = time.monotonic() + 100
    while statuses[-1] != 200 and time.monotonic() < ends:
        statuses.append(status_of_run(serving, seeded))
    statuses += [status_of_run(serving, seeded) for _ in range(9)]
    _, errors = serving.stop()

    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200
    assert "source-unreachable" not in errors
    assert "too-many-callers" in errors
