"""The database is made ready once, by one process at a time."""

import asyncio
import fcntl
import threading

import pytest
from django.db import connections

from billhook.portal.installation.data_folder import data_path
from billhook.server.database import is_database_there, prepare_database
from billhook.server.threads import DatabaseThreads, ThreadsBusy, WorkTooSlow


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_ready_stays_unchanged():
    prepare_database()
    prepare_database()

    assert is_database_there()


@pytest.mark.django_db(transaction=True)
def test_a_second_process_waits_for_the_first():
    done = threading.Event()

    def prepare():
        prepare_database()
        connections.close_all()
        done.set()

    with data_path("start.lock").open("w") as held_by_another:
        fcntl.flock(held_by_another, fcntl.LOCK_EX)
        second = threading.Thread(target=prepare)
        second.start()
        waits = not done.wait(0.2)
    second.join(60)

    assert waits
    assert done.is_set()


async def test_threads_return_results_and_errors():
    threads = DatabaseThreads(2, name="test")

    def fail():
        raise ZeroDivisionError

    assert await threads.run(lambda number: number + 1, 1) == 2
    with pytest.raises(ZeroDivisionError):
        await threads.run(fail)
    await threads.close()


async def test_closing_threads_waits_for_their_work():
    threads = DatabaseThreads(2, name="test")
    done = []
    began = threading.Event()
    may_end = threading.Event()

    def work():
        began.set()
        may_end.wait(60)
        done.append(True)

    task = asyncio.ensure_future(threads.run(work))
    await asyncio.to_thread(began.wait, 60)
    closing = asyncio.ensure_future(threads.close())
    await asyncio.sleep(0)
    may_end.set()
    await closing

    assert done == [True]
    await task


async def test_work_that_finds_no_thread_in_time_is_given_up():
    threads = DatabaseThreads(1, name="test", patience=0.05)
    may_end = threading.Event()
    ran = []
    hanging = asyncio.ensure_future(threads.run(may_end.wait, 60))
    await asyncio.sleep(0)
    with pytest.raises(ThreadsBusy):
        await threads.run(ran.append, True)
    may_end.set()
    await hanging
    await threads.run(ran.append, 2)
    await threads.close()

    assert ran == [2]


async def test_nobody_waits_for_work_longer_than_the_limit():
    threads = DatabaseThreads(1, name="test", limit=0.05)
    may_end = threading.Event()
    with pytest.raises(WorkTooSlow):
        await threads.run(may_end.wait, 60)
    may_end.set()
    assert await threads.run(lambda: "done") == "done"
    await threads.close()


async def test_a_caller_that_leaves_while_it_waits_for_a_thread_is_no_lack_of_threads():
    threads = DatabaseThreads(1, name="test")
    may_end = threading.Event()
    hanging = asyncio.ensure_future(threads.run(may_end.wait, 60))
    waiting = asyncio.ensure_future(threads.run(may_end.wait, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may_end.set()
    await hanging
    await threads.close()
