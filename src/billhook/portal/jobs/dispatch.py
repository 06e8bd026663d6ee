"""Gives tickets to jobs that are due: new ones, and those whose ticket the engine has lost.

Only a few tickets exist at a time, so that thousands of jobs neither slow the engine down nor make
others wait: urgent jobs go first, and the organisations take turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.engine import give_ticket, tickets
from billhook.portal.jobs.lease import is_free
from billhook.portal.jobs.models import OPEN, Job, JobSchedule, JobState

MOST_TICKETS: Final = 20
_RANKS: Final = (0, 1)


def give_tickets() -> int:
    """Give tickets to due jobs that have none, unless there are enough; return how many."""
    free = MOST_TICKETS - tickets().count()
    given = 0
    for rank in _RANKS if free > 0 else ():
        for job in _fairly(_without_ticket(rank), free - given):
            given += _give(job)
    return given


def has_room() -> bool:
    """Return whether a new job may get a ticket without asking whose turn it is."""
    return tickets().count() < MOST_TICKETS


def has_overdue_ticket(limit: timedelta) -> bool:
    """Return whether a job is due that has had a ticket for longer than *limit*, in vain."""
    waiting = Q(ticketed_at__lt=PresentTime() - limit) & Exists(
        tickets().filter(pk=OuterRef("ticket"))
    )
    return any(_due(rank).filter(waiting).exists() for rank in _RANKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsNow:
    """The open jobs of all nodes, and how late the first of those is that nobody does."""

    waiting: int
    running: int
    late_seconds: float


def jobs_now() -> JobsNow:
    """Return the numbers of open jobs."""
    counts = dict(
        Job.objects.filter(state__in=OPEN).values_list("state").annotate(Count("id")).order_by()
    )
    first = min((job.due_at for job in due_jobs(most=1)), default=None)
    return JobsNow(
        waiting=counts.get(JobState.WAITING, 0),
        running=counts.get(JobState.RUNNING, 0),
        late_seconds=max(0.0, (timezone.now() - first).total_seconds()) if first else 0.0,
    )


def is_work_late(limit: timedelta) -> bool:
    """Return whether a job, or one that is scheduled, has been due for longer than *limit*."""
    schedules = JobSchedule.objects.filter(next_at__lt=PresentTime() - limit)
    return jobs_now().late_seconds > limit.total_seconds() or schedules.exists()


def due_jobs(*, most: int) -> list[Job]:
    """Return jobs with a turn that is due and that nobody does, the first ones first."""
    return [job for rank in _RANKS for job in _due(rank)[:most]]


def _give(job: Job) -> bool:
    """Give *job* a ticket, unless it has got another one since it was read."""
    with transaction.atomic():
        unchanged = Job.objects.filter(is_free(), id=job.id, ticket=job.ticket, state__in=OPEN)
        if not unchanged.select_for_update().exists():
            return False
        give_ticket(job)
        return True


def _due(rank: int) -> QuerySet[Job]:
    """Return the jobs of a rank that are due, and whose chain is free."""
    others = Job.objects.filter(chain=OuterRef("chain"), state=JobState.RUNNING)
    chain_is_free = Q(chain="") | Q(state=JobState.RUNNING) | ~Exists(others)
    due = Job.objects.filter(
        is_free(), chain_is_free, state__in=OPEN, rank=rank, due_at__lte=PresentTime()
    )
    return due.order_by("due_at")


def _without_ticket(rank: int) -> QuerySet[Job]:
    return _due(rank).filter(~Exists(tickets().filter(pk=OuterRef("ticket"))))


def _fairly(jobs: QuerySet[Job], most: int) -> list[Job]:
    """Return at most *most* of *jobs*, with a share for each organisation if there are more."""
    if most <= 0:
        return []
    first = list(jobs[: most + 1])
    if len(first) <= most:
        return first
    organisations = list(jobs.order_by().values_list("organisation_id", flat=True).distinct())
    share = -(-most // len(organisations)) if organisations else most
    shares = [job for each in organisations for job in jobs.filter(organisation_id=each)[:share]]
    shares.sort(key=lambda job: job.due_at)
    return list(dict.fromkeys([*shares, *first]))[:most]
