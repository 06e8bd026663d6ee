"""The pieces that a run takes and sends at once are those of ASGI's messages, joined."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from billhook.server.connections.direct import DirectExchange

HEADERS = ((b"content-type", b"application/pdf"), (b"content-length", b"3"))


class Caller:
    """The transport of a caller, which keeps each write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.writes.append(b"".join(pieces))

    def close(self) -> None:
        self.is_closed = True


def cycle_of(caller: Any, *, keep_alive: bool = True) -> RequestResponseCycle:
    nothing: Any = None
    return RequestResponseCycle(
        scope={"method": "POST"},  # type: ignore[typeddict-item]
        transport=caller,
        flow=FlowControl(caller),
        logger=nothing,
        access_logger=nothing,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_the_bytes_are_the_same_with_one_write(keep_alive: bool) -> None:
    theirs, ours = Caller(), Caller()
    cycle = cycle_of(theirs, keep_alive=keep_alive)
    await cycle.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await cycle.send({"type": "http.response.body", "body": b"PDF", "more_body": False})

    own = cycle_of(ours, keep_alive=keep_alive)
    await DirectExchange(own).send(200, HEADERS, b"PDF")

    assert b"".join(ours.writes) == b"".join(theirs.writes)
    assert len(ours.writes) == 1
    assert ours.is_closed is theirs.is_closed is not keep_alive
    assert own.response_complete
    assert own.message_event.is_set()


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0"])
async def test_a_header_never_splits_the_response(value: bytes) -> None:
    caller = Caller()
    with pytest.raises(RuntimeError, match="control character"):
        await DirectExchange(cycle_of(caller)).send(200, ((b"x", value),), b"PDF")
    assert caller.writes == []


async def test_nothing_is_sent_to_a_caller_who_has_left() -> None:
    caller = Caller()
    cycle = cycle_of(caller)
    cycle.disconnected = True
    await DirectExchange(cycle).send(200, HEADERS, b"PDF")
    assert caller.writes == []


async def test_a_body_that_has_arrived_is_taken_once() -> None:
    cycle = cycle_of(Caller())
    direct = DirectExchange(cycle)
    cycle.body += b"to"
    assert direct.take_body() is None, "more is to come"
    cycle.body += b"kens"
    cycle.more_body = False
    cycle.message_event.set()
    assert direct.take_body() == b"tokens"
    assert (cycle.body, cycle.message_event.is_set()) == (b"", False)


@pytest.mark.parametrize("reason", ["disconnected", "waiting_for_100_continue"])
async def test_a_body_is_left_to_uvicorn_where_it_has_more_to_do(reason: str) -> None:
    cycle = cycle_of(Caller())
    cycle.more_body = False
    setattr(cycle, reason, True)
    assert DirectExchange(cycle).take_body() is None
