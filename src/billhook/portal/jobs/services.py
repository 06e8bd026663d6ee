"""The functions that other rooms use: enqueue and schedule jobs, run them now, and stop them.

Callers have checked permission with :mod:`access`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Least

from billhook.portal.accounts.models import User
from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.dispatch import has_room
from billhook.portal.jobs.endings import end_job
from billhook.portal.jobs.engine import give_ticket
from billhook.portal.jobs.kind import UnknownJobKind, job_kind
from billhook.portal.jobs.models import OPEN, Job, JobSchedule, JobState
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.organisations.models import Organisation

_AT_ONCE: Final = timedelta()
_KEPT: Final = timedelta(days=30)
"""Time for which a job that has ended is listed."""


def enqueue(
    kind: str,
    *,
    organisation: Organisation | None = None,
    subject: str = "",
    title: str = "",
    chain: str = "",
    after: timedelta = _AT_ONCE,
    user: User | None = None,
    cursor: Mapping[str, Any] | None = None,
) -> Job:
    """Have a job done, at once or *after* some time, if the present transaction is committed.

    There is at most one open job for a kind and its subject. A second call returns that one, which
    is then done sooner if need be; if it has begun, it begins once more at its end.
    """
    facts: dict[str, Any] = {
        "organisation": organisation,
        "user": user,
        "title": title[:200],
        "chain": chain,
        "rank": 0 if job_kind(kind).is_urgent else 1,
        "cursor": dict(cursor or {}),
    }
    with transaction.atomic():
        while True:
            job = _hasten(kind, subject, after) or _create(kind, subject, after, facts)
            if job is not None:
                return job


def _hasten(kind: str, subject: str, after: timedelta) -> Job | None:
    """Return the open job for this subject, if there is one, and let it be done in time."""
    same = Job.objects.filter(kind=kind, subject=subject, state__in=OPEN)
    job = same.select_for_update().first()
    if job is None:
        return None
    Job.objects.filter(id=job.id).update(
        runs_again=job.runs_again or job.state == JobState.RUNNING,
        due_at=Least(F("due_at"), PresentTime() + after),
    )
    return _begin_soon(job) if after == _AT_ONCE else job


def hold_job(kind: str, *, subject: str) -> None:
    """Lock the open job for *subject*, if there is one, in the present transaction."""
    Job.objects.filter(kind=kind, subject=subject, state__in=OPEN).select_for_update().first()


def _create(kind: str, subject: str, after: timedelta, facts: dict[str, Any]) -> Job | None:
    """Return a new job; None if another process has created it meanwhile."""
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind, subject=subject, due_at=PresentTime() + after, **facts
            )
    except IntegrityError:
        return None
    return _begin_soon(job) if after == _AT_ONCE else _read(job)


def _begin_soon(job: Job) -> Job:
    """Give *job* a ticket if it has none; where there are many, it gets one in its turn."""
    if has_room():
        give_ticket(job)
    return _read(job)


def _read(job: Job) -> Job:
    return Job.objects.get(id=job.id)


def schedule(
    kind: str,
    *,
    every: timedelta,
    organisation: Organisation | None = None,
    subject: str = "",
    title: str = "",
    chain: str = "",
    first_after: timedelta = _AT_ONCE,
) -> None:
    """Enqueue a job again and again, the first one after some time. A second call changes it."""
    facts = {"organisation": organisation, "title": title[:200], "chain": chain, "every": every}
    with transaction.atomic():
        row, is_new = JobSchedule.objects.get_or_create(
            kind=kind, subject=subject, defaults={**facts, "next_at": PresentTime() + first_after}
        )
        if not is_new:
            later = Least(F("next_at"), PresentTime() + every)
            JobSchedule.objects.filter(pk=row.pk).update(**facts, next_at=later)


def unschedule(kind: str, *, subject: str = "") -> None:
    """Enqueue no more jobs for this subject. One that is open goes on."""
    JobSchedule.objects.filter(kind=kind, subject=subject).delete()


def enqueue_scheduled() -> int:
    """Enqueue the jobs whose scheduled time has come; return their number."""
    due = list(JobSchedule.objects.filter(next_at__lte=PresentTime())[:100])
    return sum(_enqueue_scheduled(row) for row in due)


def _enqueue_scheduled(row: JobSchedule) -> bool:
    with transaction.atomic():
        due = JobSchedule.objects.filter(pk=row.pk, next_at__lte=PresentTime())
        if not due.update(next_at=PresentTime() + row.every):
            return False  # another node was faster
        enqueue(
            row.kind,
            organisation=row.organisation,
            subject=row.subject,
            title=row.title,
            chain=row.chain,
        )
        return True


def run_now(*, job: Job) -> bool:
    """Do the next turn of *job* at once instead of later; return False if it has ended."""
    with transaction.atomic():
        soon = Job.objects.filter(
            id=job.id, state__in=OPEN, due_at__gt=PresentTime(), leased_until=None
        )
        if soon.update(due_at=PresentTime()):
            give_ticket(job)
            return True
    return _read(job).is_open


def retry(*, job: Job) -> bool:
    """Do a job that has failed, or was stopped, again from where it ended.

    Return False if it hasn't ended so, can't go on, or another for the same subject is open.
    """
    if not can_be_retried(job):
        return False
    with transaction.atomic():
        ended = Job.objects.filter(id=job.id, state__in=(JobState.FAILED, JobState.STOPPED))
        same = Job.objects.filter(kind=job.kind, subject=job.subject, state__in=OPEN)
        if same.exists() or not ended.select_for_update().exists():
            return False
        ended.update(
            state=JobState.WAITING,
            due_at=PresentTime(),
            attempts=0,
            reason="",
            ended_at=None,
            runs_again=False,
        )
        _begin_soon(job)
        return True


def pause_until(job: Job) -> datetime | None:
    """Return the time before which nobody can make *job* go on; None if it could now."""
    try:
        pause = job_kind(job.kind).pause_until
    except UnknownJobKind:
        return None
    return pause(job) if pause is not None else None


def can_be_retried(job: Job) -> bool:
    """Return whether the kind of *job* can go on from where it ended."""
    try:
        return job_kind(job.kind).can_be_retried
    except UnknownJobKind:
        return False


def stop(*, job: Job) -> bool:
    """End *job* at once: a turn in progress commits nothing more. Return False if it had ended."""
    with transaction.atomic():
        found = Job.objects.filter(id=job.id, state__in=OPEN).select_for_update().first()
        return found is not None and end_job(found, JobState.STOPPED)


def forget_ended_jobs(pace: Pace = AT_ONCE) -> int:
    """Delete the jobs that ended long ago. Return their number."""
    return pace.delete(Job.objects.filter(ended_at__lt=PresentTime() - _KEPT))
