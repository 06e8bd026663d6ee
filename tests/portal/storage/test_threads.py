"""The threads that wait for the storage connect again when the database has gone away."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from billhook.portal.storage import threads
from billhook.portal.storage.threads import in_storage_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_thread(monkeypatch) -> Iterator[None]:
    """Have one thread do everything, so that its connection can be followed."""
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(threads, "_pool", lambda: pool)
        yield
        pool.submit(connections.close_all).result()


def connected() -> object:
    """Return this thread's connection to the database, by which it just asked something."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.connection


def note_error() -> None:
    connection.errors_occurred = True


@pytest.mark.usefixtures("one_thread")
async def test_a_thread_whose_connection_broke_connects_again(monkeypatch) -> None:
    first = await in_storage_thread(connected)
    assert await in_storage_thread(connected) is first
    monkeypatch.setattr(type(connections["default"]), "is_usable", lambda _: False)
    await in_storage_thread(note_error)
    assert await in_storage_thread(connected) is not first
