"""One turn of a job, as its kind sees it.

A kind's ``work`` gets a :class:`Turn`, does a bounded chunk of work, and returns. Whatever it
writes belongs into ``with turn.saving():``, a transaction that is committed only if this process
still holds the job. Progress and the order to go on (``turn.again()``) are committed with it. A
turn that returns without one has finished its job.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, Final, Protocol

from django.db import transaction

from billhook.portal.installation import environment
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.outcome import TurnAgain, TurnFailed, TurnFinished, TurnOutcome
from billhook.portal.jobs.shared_memory import is_stopping

TURN_SHARE: Final = 1 / 6
"""The share of a lease after which a turn is asked to end: 10 seconds of 60."""
_REST: Final = 1.0
"""Seconds of rest for each second in which others could not write."""
_LONGEST_REST: Final = 1.0
GOAL: Final = 0.04
"""Seconds that a transaction with a chunk of rows should take: others that write to SQLite wait."""
_GROWS: Final = 1.25
_SHRINKS: Final = 0.5
_LEAST_SHARE: Final = 0.05


class TryLater(Exception):
    """A failed attempt with a *reason* for people, which is made again after a pause."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        self.reason = reason
        self.after = after
        super().__init__(reason)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put garbage collection off: while a large file is in memory, it takes a tenth of a second."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class TurnLost(Exception):
    """The process that does the turn no longer holds its job."""


class TurnStore(Protocol):
    """The rows behind a turn."""

    def hold(self, job: Job) -> None:
        """Lock the row of *job* in the present transaction; TurnLost if it isn't ours any more."""
        ...

    def save(self, job: Job, changes: dict[str, Any], outcome: TurnOutcome | None) -> None:
        """Store progress and outcome in the present transaction."""
        ...


class AnyTurn(Protocol):
    """The part of a turn that work needs which is also done without a job, by a command."""

    @property
    def cursor(self) -> dict[str, Any]:
        """The place at which to go on."""
        ...

    @property
    def goes_on(self) -> bool:
        """Whether to do more now."""
        ...

    def saving(self) -> AbstractContextManager[None]:
        """Commit what is written within."""
        ...

    def rest(self) -> None:
        """Rest after a transaction."""
        ...

    def fitting(self, most: int) -> int:
        """Return how many of at most *most* rows the next transaction should write."""
        ...

    def report(self, **progress: Any) -> None:
        """Set any of ``cursor``, ``done``, ``total`` and ``note``."""
        ...

    def again(self) -> None:
        """Ask for another turn."""
        ...


class Turn:
    """One turn of a job."""

    def __init__(self, job: Job, store: TurnStore) -> None:
        self._job = job
        self._store = store
        self._changes: dict[str, Any] = {}
        self._outcome: TurnOutcome | None = None
        self._is_saved = False
        self._began = time.monotonic()
        self._busy = 0.0
        self._share = 1.0
        self._learns = False

    @property
    def job_id(self) -> str:
        """The id of the job."""
        return self._job.id

    @property
    def kind(self) -> str:
        """The name of the job's kind."""
        return self._job.kind

    @property
    def subject(self) -> str:
        """The id of the row that the job works on."""
        return self._job.subject

    @property
    def organisation_id(self) -> str:
        """The organisation that the job belongs to; "" for none."""
        return self._job.organisation_id or ""

    @property
    def user_id(self) -> str:
        """The person who asked for it; "" if nobody did."""
        return self._job.user_id or ""

    @property
    def cursor(self) -> dict[str, Any]:
        """The place at which to go on, as the last turn reported it; empty at first."""
        cursor: dict[str, Any] = self._job.cursor
        return cursor

    @property
    def done(self) -> int:
        """The number of items that are finished, as reported."""
        return self._job.done

    @property
    def total(self) -> int | None:
        """The number of all items, as reported; None while it isn't known."""
        return self._job.total

    @property
    def attempts(self) -> int:
        """The number of failed turns just before this one."""
        return self._job.attempts

    @property
    def goes_on(self) -> bool:
        """Whether to do more in this turn: there is time, and the process isn't asked to stop."""
        limit = environment.current().job_lease_seconds * TURN_SHARE
        return time.monotonic() - self._began < limit and not is_stopping()

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Commit what is written within, and what was reported, if this process holds the job.

        Keep it short: nobody else can write to SQLite meanwhile.

        Raises:
            TurnLost: if another process has taken the job over, or a person has stopped it.
        """
        if self._is_saved:
            raise RuntimeError("the turn has ended")
        try:
            with _no_collection(), transaction.atomic():
                self._store.hold(self._job)  # from here on, others that write to SQLite wait
                began = time.monotonic()
                yield
                self._store.save(self._job, self._changes, self._outcome)
        except BaseException:
            self._changes, self._outcome = {}, None
            raise
        self._changes, self._job.attempts = {}, 0
        self._is_saved = self._outcome is not None
        self._note(time.monotonic() - began)

    def _note(self, seconds: float) -> None:
        """Learn from a transaction that took *seconds*."""
        self._busy += seconds
        if self._learns:
            self._learns = False
            change = min(_GROWS, max(_SHRINKS, GOAL / max(seconds, 0.001)))
            self._share = min(1.0, max(_LEAST_SHARE, self._share * change))

    def fitting(self, most: int) -> int:
        """Return how many of at most *most* rows the next transaction should write.

        It is fewer when those before took long, as on a busy machine.
        """
        self._learns = True
        return max(1, round(most * self._share))

    def rest(self) -> None:
        """Rest for about as long as the transactions since the last rest, so others can write."""
        time.sleep(min(_LONGEST_REST, self._busy * _REST))
        self._busy = 0.0

    def report(self, **progress: Any) -> None:
        """Set any of ``cursor``, ``done``, ``total`` and ``note`` (the progress in words)."""
        unknown = progress.keys() - {"cursor", "done", "total", "note"}
        if unknown:
            raise TypeError(f"report() takes no {', '.join(unknown)}")
        self._changes |= progress
        for name, value in progress.items():
            setattr(self._job, name, value)

    def again(self, *, after: timedelta | None = None) -> None:
        """Ask for another turn: at once, or *after* some time."""
        self._outcome = TurnAgain(after=after)

    def finish(self, *, note: str = "") -> None:
        """End the job; a turn that returns without an outcome does so, too."""
        if note:
            self.report(note=note)
        self._outcome = TurnFinished()

    def fail(self, reason: str) -> None:
        """End the job without success, for a *reason* that is a sentence for people."""
        self._outcome = TurnFailed(reason=reason)

    @property
    def result(self) -> str:
        """The outcome as one word, for the log."""
        match self._outcome:
            case TurnAgain():
                return "again"
            case TurnFailed():
                return "failed"
            case _:
                return "done"

    def end(self) -> None:
        """Save the outcome, unless the kind has done so in its last transaction."""
        if self._is_saved:
            return
        if self._outcome is None:
            self.finish()
        with self.saving():
            pass
