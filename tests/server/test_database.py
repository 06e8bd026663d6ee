"""The database is made ready once, by one process at a time."""

import asyncio
import fcntl
import threading

import pytest
from django.db import connections

from billhook.portal.installation.data_folder import data_path
from billhook.server.database import is_database_there, prepare_database
from billhook.server.threads import DatabaseThreads


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
