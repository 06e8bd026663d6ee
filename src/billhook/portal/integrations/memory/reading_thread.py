"""The thread in which the store reads: it never waits for another one's work with the database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django.db import Error, OperationalError, close_old_connections, connections

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that a caller waits for something to be read."""


class StoreAway(OperationalError, ConnectionError):
    """The database can't be asked for what isn't in memory.

    To the gateway, which knows no Django, it is a ConnectionError.
    """


class ReadingThread:
    """Reads one thing after another for tasks, and calls *look* every *look_every* seconds.

    *at_end* is called last. Unless it runs, work is done where Django's asynchronous code does it.
    """

    def __init__(
        self, look: Callable[[], None], *, look_every: float, at_end: Callable[[], None]
    ) -> None:
        self._look = look
        self._at_end = at_end
        self._look_every = look_every
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._going: dict[Hashable, Future[Any]] = {}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._ended.clear()
        self._waiting = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="command-store", daemon=True)
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """End the thread, but wait for it no longer than so many seconds."""
        self._ended.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(seconds)
            self._thread = None

    async def read(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return the result of *work*; who asks for the same *key* meanwhile gets the same one.

        Raises:
            StoreAway: if the database doesn't respond, or not in time.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                if self._thread is None:
                    return await sync_to_async(work)()
                # who gives up must not end the reading that others wait for
                return await asyncio.shield(asyncio.wrap_future(self._join(key, work)))
        except (Error, TimeoutError) as error:
            raise StoreAway from error

    def _join(self, key: Hashable, work: Callable[[], T]) -> Future[T]:
        """Return the reading of *key* that goes on, or begin one."""
        going: Future[T] | None = self._going.get(key)
        if going is None:
            going = self._going[key] = Future()
            going.add_done_callback(lambda _: self._going.pop(key, None))
            self._waiting.put((going, work))
        return going

    def _run(self) -> None:
        look_at = time.monotonic() + self._look_every
        while not self._ended.is_set():
            try:
                job = self._waiting.get(timeout=max(0.0, look_at - time.monotonic()))
            except Empty:
                job = None
            if job is not None:
                _do(*job)
            if time.monotonic() >= look_at:
                self._look()
                look_at = time.monotonic() + self._look_every
        self._refuse_the_rest()
        self._at_end()
        connections.close_all()

    def _refuse_the_rest(self) -> None:
        while not self._waiting.empty():
            job = self._waiting.get()
            if job is not None:
                job[0].set_exception(StoreAway())


def _do(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
        future.set_exception(error)
    finally:
        close_old_connections()
