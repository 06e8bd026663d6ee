"""Tasks share one reading of one thing, and giving up ends it for nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from django.db import OperationalError

from billhook.portal.integrations.memory.reading_thread import ReadingThread, StoreAway


@pytest.fixture
async def thread() -> AsyncIterator[ReadingThread]:
    thread = ReadingThread(lambda: None, look_every=60, at_end=lambda: None)
    thread.start()
    yield thread
    await asyncio.to_thread(thread.stop, seconds=10)


class Work:
    """Something slow to read."""

    def __init__(self) -> None:
        self.count = 0
        self.gate = threading.Event()

    def __call__(self) -> int:
        assert self.gate.wait(10)
        self.count += 1
        return self.count


async def test_many_tasks_share_one_reading(thread: ReadingThread) -> None:
    work = Work()
    tasks = [asyncio.create_task(thread.read("a", work)) for _ in range(50)]
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [1] * 50
    assert await thread.read("a", work) == 2


async def test_who_gives_up_does_not_end_it_for_others(thread: ReadingThread) -> None:
    work = Work()
    first, second = (asyncio.create_task(thread.read("a", work)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    work.gate.set()
    assert await second == 1


async def test_the_event_loop_goes_on_meanwhile(thread: ReadingThread) -> None:
    work = Work()
    task = asyncio.create_task(thread.read("a", work))
    await asyncio.sleep(0.01)
    assert not task.done()
    work.gate.set()
    await task


async def test_a_database_that_fails_is_away_and_the_next_one_asks_again(
    thread: ReadingThread,
) -> None:
    def fail() -> int:
        raise OperationalError("secret-host refused")

    for _ in range(2):
        with pytest.raises(StoreAway) as caught:
            await thread.read("a", fail)
        assert "secret-host" not in str(caught.value)
    assert await thread.read("a", lambda: 7) == 7


async def test_another_error_is_not_taken_for_that(thread: ReadingThread) -> None:
    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await thread.read("a", fail)


async def test_what_waits_at_the_end_is_refused() -> None:
    ended: list[str] = []
    thread = ReadingThread(lambda: None, look_every=60, at_end=lambda: ended.append("end"))
    thread.start()
    work = Work()
    going = asyncio.create_task(thread.read("going", work))
    waiting = asyncio.create_task(thread.read("waiting", lambda: 1))
    await asyncio.sleep(0.01)
    stopping = asyncio.create_task(asyncio.to_thread(thread.stop, seconds=10))
    await asyncio.sleep(0.01)
    work.gate.set()
    await stopping
    assert await going == 1
    with pytest.raises(StoreAway):
        await waiting
    assert ended == ["end"]


async def test_it_looks_again_and_again_also_while_it_reads() -> None:
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1

    thread = ReadingThread(look, look_every=0.01, at_end=lambda: None)
    thread.start()
    try:
        while looks < 3:
            await thread.read("a", lambda: 1)
    finally:
        await asyncio.to_thread(thread.stop, seconds=10)
