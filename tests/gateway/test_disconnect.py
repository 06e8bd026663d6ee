"""Work ends when its caller disconnects."""

import asyncio

import pytest

from billhook.gateway.disconnect import CallerWatch
from billhook.gateway.errors import CallerLeft


def leaving(*, after=0.0):
    async def receive():
        await asyncio.sleep(after)
        return {"type": "http.disconnect"}

    return receive


async def staying():
    await asyncio.Event().wait()


async def test_work_is_cancelled_when_the_caller_disconnects():
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(CallerLeft), CallerWatch(leaving(), grace=0):
        await work()

    assert ended
    assert asyncio.current_task().cancelling() == 0


async def test_messages_before_the_end_do_not_end_the_work():
    waiting = [{"type": "http.request"}, {"type": "http.request"}, {"type": "http.disconnect"}]

    async def receive():
        return waiting.pop(0)

    with pytest.raises(CallerLeft), CallerWatch(receive, grace=0):
        await asyncio.Event().wait()
    assert waiting == []


async def test_work_that_ends_is_left_alone_and_leaves_no_task():
    with CallerWatch(staying, grace=0):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_short_work_never_starts_watching_the_connection():
    async def receive():
        raise AssertionError("nobody should ask")

    with CallerWatch(receive, grace=0.02):
        await asyncio.sleep(0)
    await asyncio.sleep(0.04)


async def test_errors_of_the_work_pass_through():
    with pytest.raises(ZeroDivisionError), CallerWatch(staying, grace=0):
        raise ZeroDivisionError


async def test_a_cancellation_from_elsewhere_passes_through():
    async def work():
        with CallerWatch(staying, grace=0):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_around_it_still_works():
    async def work():
        async with asyncio.timeout(0.01):
            with CallerWatch(staying, grace=0):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()


async def test_it_is_for_tasks_only():
    done = asyncio.get_running_loop().create_future()

    def outside_any_task():
        try:
            CallerWatch(staying)
        except RuntimeError as error:
            done.set_result(str(error))

    asyncio.get_running_loop().call_soon(outside_any_task)

    assert "within a task" in await done
