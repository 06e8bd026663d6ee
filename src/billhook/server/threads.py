"""The threads in which Django's synchronous code runs, each with its own database connections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that work waits for a thread: if all of them wait for the database, so would it."""

_TOGETHER: Final = 32
"""Questions whose results are brought back together; the first of them waits for the last."""
_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at whether a connection is too old."""


class ThreadsBusy(Exception):
    """No thread has become free in time."""

    status = 503
    public_message = "Too many pages are being made at the moment. Try again in a minute."


class WorkTooSlow(Exception):
    """Work in a thread has taken too long. It can't be ended, so it keeps its thread until then."""

    status = 503
    public_message = "This page takes too long to make. Shorten what you typed, and try again."


class DatabaseThreads:
    """A small pool of threads. Their database connections stay open between uses.

    Nobody waits for work longer than *limit* seconds, if there is one.
    """

    def __init__(
        self, count: int, *, name: str, patience: float = PATIENCE, limit: float | None = None
    ) -> None:
        self._count = count
        self._patience = patience
        self._limit = limit
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run *work* in one of the threads and return its result, in one hop there and back.

        Raises:
            ThreadsBusy: if none of them has become free in time.
            WorkTooSlow: if the work takes longer than the limit.
        """
        future = self._pool.submit(work, *arguments)
        # a future that has begun can't be cancelled, so this ends those that wait for a thread
        waiting = asyncio.get_running_loop().call_later(self._patience, future.cancel)
        try:
            async with asyncio.timeout(self._limit):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise WorkTooSlow from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and task is not None and not task.cancelling():
                raise ThreadsBusy from None
            raise
        finally:
            waiting.cancel()

    async def close(self) -> None:
        """Wait for the work that goes on, close every thread's connections, and end the threads."""
        together = threading.Barrier(self._count)  # so that each thread gets exactly one of these
        await asyncio.gather(*(self.run(_close_connections, together) for _ in range(self._count)))
        self._pool.shutdown()


def _close_connections(together: threading.Barrier) -> None:
    together.wait()
    connections.close_all()


@dataclass(slots=True, kw_only=True)
class _Question:
    """Work for the reading thread, and the future of its result on the event loop."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        """Do the work, unless nobody waits for it any more."""
        if self.answer.done():
            return
        try:
            self.result = self.work(*self.arguments)
        except BaseException as error:  # noqa: BLE001 - it belongs to who asked
            self.error = error

    def deliver(self) -> None:
        """Give the result to who waits for it; on the event loop."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


def _take(questions: list[_Question]) -> None:
    for question in questions:
        question.deliver()


def _give_up(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(ThreadsBusy())


class QueryThread:
    """One thread for short questions to the database, which nobody else's pages hold up.

    It takes what has been asked meanwhile at once and brings the results back together, so that
    many questions cost little more than one hop.
    """

    def __init__(self, *, name: str, patience: float = PATIENCE) -> None:
        self._name = name
        self._patience = patience
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._looked_at = 0.0

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run *work* in the thread and return its result.

        Raises:
            ThreadsBusy: if it hasn't been done in time.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        waiting = loop.call_later(self._patience, _give_up, answer)
        self._begin()
        self._questions.put(_Question(work=work, arguments=arguments, answer=answer))
        try:
            return await answer
        finally:
            waiting.cancel()

    async def close(self, *, seconds: float) -> None:
        """End the thread, and its database connections, within *seconds*."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._questions.put(None)
            await asyncio.to_thread(thread.join, seconds)

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while questions := self._next_questions():
            self._let_old_connections_go()
            for question in questions:
                question.run()
            self._deliver(questions)
        connections.close_all()

    def _next_questions(self) -> list[_Question]:
        """Wait for a question, and return it with those that are there; none at the end."""
        questions: list[_Question] = []
        question = self._questions.get()
        while question is not None:
            questions.append(question)
            if self._questions.empty() or len(questions) == _TOGETHER:
                return questions
            question = self._questions.get_nowait()
        if questions:
            self._questions.put(None)  # the end comes after these
        return questions

    def _deliver(self, questions: list[_Question]) -> None:
        """Bring the results to the event loop, in one hop."""
        if any(question.error is not None for question in questions):
            self._looked_at = 0.0  # the connection may be of no use any more
        with contextlib.suppress(RuntimeError):  # a loop that has ended waits for nothing
            loop = questions[0].answer.get_loop()
            loop.call_soon_threadsafe(_take, questions)

    def _let_old_connections_go(self) -> None:
        """Do once a second what Django does for each request."""
        if time.monotonic() - self._looked_at >= _LOOK_EVERY:
            self._looked_at = time.monotonic()
            close_old_connections()
