"""A body is kept in memory if it is short, else in an unlinked file, and it must arrive in time."""

from __future__ import annotations

import asyncio
import io

import pytest

from billhook.gateway.errors import BodyTooLarge, BodyTooSlow, CallerLeft
from billhook.server.connections.bodies import IN_MEMORY, take_body


def arriving(*chunks):
    """Return the receive function of a caller that sends *chunks*; at None it leaves."""
    left = list(chunks)

    async def receive():
        chunk = left.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    return receive


async def take(receive, *, limit=1_000_000, seconds=30.0):
    return await take_body(receive, limit=limit, seconds=seconds)


async def test_a_short_body_stays_in_memory():
    assert isinstance(await take(arriving(b"name=Ada")), io.BytesIO)


async def test_a_long_body_goes_into_a_file_and_arrives_whole():
    chunk = bytes(IN_MEMORY)

    with await take(arriving(chunk, chunk, b"end")) as file:
        assert file._rolled
        assert file.read() == chunk + chunk + b"end"


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 5]], ids=["one", "several"])
async def test_a_body_ends_at_its_limit(chunks):
    with pytest.raises(BodyTooLarge):
        await take(arriving(*chunks), limit=10)


async def test_a_body_that_does_not_arrive_is_given_up():
    async def stalled():
        await asyncio.Event().wait()

    with pytest.raises(BodyTooSlow):
        await take(stalled, seconds=0.05)


async def test_a_caller_that_leaves_is_noticed():
    with pytest.raises(CallerLeft):
        await take(arriving(b"x", None))
