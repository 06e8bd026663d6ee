"""Work with the database outside any request, so that no page waits for a mail server."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import structlog
from django.db import Error, connections

from billhook.portal.installation.logs import Seldom, name_of

log = structlog.get_logger("billhook.mail")

Work = Callable[[], object]

_say = Seldom(60.0)


class Background(Protocol):
    """Runs work at some time soon. A failure is logged and never raised."""

    def run(self, work: Work) -> Future[None]:
        """Run *work*; the future ends when it is done."""
        ...


class BackgroundThreads:
    """A few threads, whose database connections are closed after each piece of work."""

    def __init__(self, count: int, *, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    def run(self, work: Work) -> Future[None]:
        """Run *work* in one of the threads."""
        return self._pool.submit(_run_and_close, work)


class AtOnce:
    """Runs work in the caller's own thread: for tests, whose rows no other thread can see."""

    def run(self, work: Work) -> Future[None]:
        """Run *work* now."""
        done: Future[None] = Future()
        run_safely(work)
        done.set_result(None)
        return done


def run_safely(work: Work) -> None:
    """Run *work*; log its failure, without the text of the exception.

    While the database is away, all work fails, so that is logged seldom.
    """
    try:
        work()
    except Error as error:
        if _say.now():
            log.warning("mail-work-failed", error=name_of(error))
    except Exception as error:  # noqa: BLE001 - the thread's edge: nobody else would learn of it
        log.error("mail-work-failed", error=name_of(error))  # noqa: TRY400 - its text may hold values


def _run_and_close(work: Work) -> None:
    try:
        run_safely(work)
    finally:
        connections.close_all()


class _MailThreads:
    """The threads of this process: one for rows, so that no row waits for a mail server."""

    writing: Background = BackgroundThreads(1, name="mail-rows")
    sending: Background = BackgroundThreads(2, name="mail")


def writing_background() -> Background:
    """Return this process's thread for rows that no response may wait for."""
    return _MailThreads.writing


def sending_background() -> Background:
    """Return this process's threads for sending."""
    return _MailThreads.sending


def use_background(threads: Background) -> None:
    """Use other threads in this process: for tests."""
    _MailThreads.writing = _MailThreads.sending = threads
