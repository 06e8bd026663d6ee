"""The lease of a job: the right of one process to do its next turn, and to commit it.

A lease ends after a minute, so that another process can go on where one has died. Each lease has a
higher token than the one before, and every transaction of a turn checks its own: a process that was
frozen, and wakes up when its lease is over, commits nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from billhook.portal.installation import environment
from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.endings import end_job
from billhook.portal.jobs.engine import give_ticket
from billhook.portal.jobs.models import OPEN, Job, JobState
from billhook.portal.jobs.outcome import TurnAgain, TurnFailed, TurnFinished, TurnOutcome
from billhook.portal.jobs.turn import TurnLost

_PAUSES: Final = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1800, 3600))
"""The pauses after the first failed turn, the second, and so on."""


def lease_time() -> timedelta:
    """Return the time after which another process may take a job over."""
    return timedelta(seconds=environment.current().job_lease_seconds)


def is_free() -> Q:
    """Return the condition that nobody holds a job. The database's clock counts for all nodes."""
    return Q(leased_until=None) | Q(leased_until__lt=PresentTime())


def claim(job_id: str) -> Job | None:
    """Return the job for this process to do a turn, or None if there is nothing to do now."""
    due = Job.objects.filter(is_free(), id=job_id, state__in=OPEN, due_at__lte=PresentTime())
    try:
        with transaction.atomic():
            was_lost = due.filter(leased_until__isnull=False).exists()
            claimed = due.update(
                state=JobState.RUNNING,
                token=F("token") + 1,
                attempts=F("attempts") + int(was_lost),
                leased_until=PresentTime() + lease_time(),
                started_at=Coalesce("started_at", PresentTime()),
            )
            return Job.objects.get(id=job_id) if claimed else None
    except IntegrityError:
        return None  # another job of its chain is running


def hold(job: Job) -> None:
    """Lock the row of *job* in the transaction of its turn, and begin its lease again.

    Raises:
        TurnLost: if this process no longer holds it.
    """
    if not _ours(job).update(leased_until=PresentTime() + lease_time()):
        raise TurnLost


def save(job: Job, changes: dict[str, Any], outcome: TurnOutcome | None) -> None:
    """Store the progress and the outcome of a turn, in its transaction.

    Raises:
        TurnLost: if this process no longer holds the job.
    """
    if not _ours(job).update(**changes, attempts=0, reason=""):
        raise TurnLost
    match outcome:
        case TurnAgain(after=after):
            _go_on(job, after)
        case TurnFinished():
            end_job(job, JobState.DONE)
        case TurnFailed(reason=reason):
            end_job(job, JobState.FAILED, reason=reason[:500])


def record_failed_turn(job: Job, *, reason: str, after: timedelta | None, most: int) -> None:
    """Have *job* tried again after a pause, or end it after the *most* failed turns in a row."""
    attempts = job.attempts + 1
    with transaction.atomic():
        hold(job)
        if attempts >= most:
            end_job(job, JobState.FAILED, attempts=attempts, reason=reason[:500])
        else:
            _ours(job).update(attempts=attempts, reason=reason[:500])
            _go_on(job, after or _PAUSES[min(attempts, len(_PAUSES)) - 1])


def put_off(job: Job, *, after: timedelta) -> None:
    """Leave the turn for another process, or for later."""
    with transaction.atomic():
        hold(job)
        _go_on(job, after)


def _go_on(job: Job, after: timedelta | None) -> None:
    pause = after or timedelta()
    _ours(job).update(due_at=PresentTime() + pause, leased_until=None, ticket=None)
    if not pause:
        give_ticket(job)


def _ours(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(id=job.id, token=job.token, state=JobState.RUNNING)
