"""A block with a deadline ends in time, and nothing else about its task changes."""

from __future__ import annotations

import asyncio

import pytest

from billhook.engine.isolation.deadline import Deadline


def soon(seconds: float = 0.01) -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + seconds)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_block_that_lasts_longer_raises_a_time_out() -> None:
    with pytest.raises(TimeoutError), soon():
        await for_ever()
    await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_deadline_that_is_over_already_ends_the_block_as_soon_as_it_waits() -> None:
    with pytest.raises(TimeoutError), soon(-5):
        await for_ever()


async def test_a_block_that_ends_in_time_is_left_alone_for_good() -> None:
    with soon():
        await asyncio.sleep(0)
    await asyncio.sleep(0.03)


async def test_its_own_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), soon():
        raise ZeroDivisionError


async def test_a_cancellation_from_elsewhere_passes_through() -> None:
    async def work() -> None:
        with soon(60):
            await for_ever()

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel("from elsewhere")
    with pytest.raises(asyncio.CancelledError, match="from elsewhere"):
        await task


async def test_a_cancellation_from_elsewhere_counts_also_when_the_time_is_over() -> None:
    async def work() -> None:
        with soon(0.01):
            try:
                await for_ever()
            except asyncio.CancelledError:
                task.cancel()
                raise

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("inner", "outer"), [(0.01, 60), (60, 0.01)], ids=["inner", "outer"])
async def test_deadlines_within_each_other_end_their_own_block(inner: float, outer: float) -> None:
    ended: list[str] = []

    async def work() -> None:
        with soon(outer):
            try:
                with soon(inner):
                    await for_ever()
            except TimeoutError:
                ended.append("inner")
                raise

    with pytest.raises(TimeoutError):
        await work()
    assert ended == (["inner"] if inner < outer else [])


async def test_it_is_for_tasks_only() -> None:
    seen: list[str] = []

    def outside_any_task() -> None:
        with pytest.raises(RuntimeError, match="within a task"), soon():
            seen.append("never")

    asyncio.get_running_loop().call_soon(outside_any_task)
    await asyncio.sleep(0.01)
    assert seen == []
