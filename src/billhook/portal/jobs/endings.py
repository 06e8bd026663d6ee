"""The end of a job: it is recorded, and the job begins once more, or the next of its chain does."""

from __future__ import annotations

from typing import Any

from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.engine import give_ticket
from billhook.portal.jobs.kind import UnknownJobKind, job_kind
from billhook.portal.jobs.models import Job, JobState


def end_job(job: Job, state: JobState, **facts: Any) -> bool:
    """End *job* in the present transaction; return False if it isn't as it was read.

    A lease that somebody holds is worth nothing afterwards.
    """
    asked = Job.objects.filter(id=job.id, token=job.token, state=job.state)
    changed = asked.update(
        **facts,
        state=state,
        token=job.token + 1,
        leased_until=None,
        ticket=None,
        ended_at=PresentTime(),
    )
    if not changed:
        return False
    job.refresh_from_db()
    _call_ended(job)
    if job.runs_again and state != JobState.STOPPED:
        _begin_again(job)
    else:
        _let_next_begin(job)
    return True


def _call_ended(job: Job) -> None:
    try:
        kind = job_kind(job.kind)
    except UnknownJobKind:
        return
    if kind.ended is not None:
        kind.ended(job)


def _begin_again(job: Job) -> None:
    """Let *job* begin once more, from its start."""
    Job.objects.filter(id=job.id).update(
        state=JobState.WAITING,
        runs_again=False,
        due_at=PresentTime(),
        cursor={},
        done=0,
        total=None,
        note="",
        attempts=0,
        started_at=None,
        ended_at=None,
    )
    give_ticket(job)


def _let_next_begin(job: Job) -> None:
    """Give the next job of the chain a ticket."""
    if not job.chain:
        return
    waiting = Job.objects.filter(chain=job.chain, state=JobState.WAITING, due_at__lte=PresentTime())
    following = waiting.order_by("rank", "due_at").first()
    if following is not None:
        give_ticket(following)
