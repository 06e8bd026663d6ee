"""Does one turn of a job, in this process."""

from __future__ import annotations

import functools
import time
from datetime import timedelta
from typing import Final, NamedTuple

import structlog
from django.db import Error

from billhook.portal.installation.logs import name_of
from billhook.portal.jobs import lease
from billhook.portal.jobs.dispatch import due_jobs, give_tickets
from billhook.portal.jobs.kind import JobKind, UnknownJobKind, job_kind
from billhook.portal.jobs.models import Job, JobState
from billhook.portal.jobs.shared_memory import is_stopping, note_turn
from billhook.portal.jobs.turn import TryLater, Turn, TurnLost
from billhook.portal.limits.pace import Pace
from billhook.portal.nodes.exchange import Exchange
from billhook.portal.nodes.pauses import pause_board
from billhook.portal.paging.statistics import update_statistics

log = structlog.get_logger("billhook.jobs")

TOO_LONG: Final = "One part of the work took too long, so it was cut off."
_MANY: Final = 1000
"""Items, such as rows of an import, after which the database looks at its tables again."""
INTERRUPTED: Final = "The process that worked on it ended several times in the middle of it."
INTERNAL: Final = "An unexpected error. The server's log has its details, with the id of this job."
DATABASE: Final = "The database couldn't be used."
_FOR_OTHERS: Final = timedelta(minutes=1)


class DoneTurn(NamedTuple):
    """A turn that this process has done, for the counters."""

    kind: str
    result: str
    seconds: float


def take_ticket(job_id: str) -> tuple[str, str, float] | None:
    """Do the turn that a ticket is for. For the engine's processes, whose edge this is."""
    note_turn()
    if is_stopping():
        return None  # the job's row remains, so it gets another ticket
    done = None
    try:
        _swap_pauses()
        done = run_job(job_id)
        _swap_pauses()
        if done is not None:
            give_tickets()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the engine would log its text
        log.warning("job-interrupted", job=job_id, error=name_of(error))
    return None if done is None else (done.kind, done.result, done.seconds)


def _swap_pauses() -> None:
    """Learn which sources others have found dead, and report those found here."""
    try:
        _exchange().swap()
    except Error as error:  # the turn itself notices a database that is away
        log.warning("exchange-failed", error=name_of(error))


@functools.cache
def _exchange() -> Exchange:
    return Exchange(for_jobs=(pause_board(),))


def run_job(job_id: str) -> DoneTurn | None:
    """Do the next turn of a job; return None if there is none, or another process does it."""
    job = lease.claim(job_id)
    if job is None:
        return None
    began = time.monotonic()
    try:
        result = _take_turn(job)
    except TurnLost:
        result = "lost"
    seconds = round(time.monotonic() - began, 3)
    log.info("job-turn", job=job.id, kind=job.kind, result=result, seconds=seconds)
    if result == JobState.DONE and job.done >= _MANY:
        _look_at_tables()
    return DoneTurn(job.kind, result, seconds)


def _look_at_tables() -> None:
    """Have the database look at its tables again. If that fails, the job is done all the same."""
    try:
        update_statistics(Pace(rest=1.0).rest_after)
    except Error as error:
        log.warning("statistics-not-updated", error=name_of(error))


def run_due_jobs(*, most: int = 10_000) -> int:
    """Do every turn that is due, in this thread, until none is; return their number."""
    turns = 0
    while turns < most:
        begun = [run_job(job.id) for job in due_jobs(most=100)]
        if not any(begun):
            break
        turns += len(begun) - begun.count(None)
    return turns


def _take_turn(job: Job) -> str:
    try:
        kind = job_kind(job.kind)
    except UnknownJobKind:
        lease.put_off(job, after=_FOR_OTHERS)
        return "unknown-kind"
    if job.attempts >= kind.most_attempts:  # each of them ended with its process
        lease.record_failed_turn(job, reason=INTERRUPTED, after=None, most=0)
        return "failed"
    return _work(job, kind)


def _work(job: Job, kind: JobKind) -> str:
    """Do the kind's own work. Whatever goes wrong there ends this turn alone."""
    turn = Turn(job, lease)
    after = None
    try:
        kind.work(turn)
        turn.end()
    except TurnLost:
        raise
    except TryLater as error:
        reason, after = error.reason, error.after
    except Error as error:
        log.warning("job-turn-failed", job=job.id, kind=job.kind, error=name_of(error))
        reason = DATABASE
    except SystemExit:  # the engine's limit for one turn
        log.warning("job-turn-too-long", job=job.id, kind=job.kind)
        reason = TOO_LONG
    except Exception:
        log.exception("job-turn-failed", job=job.id, kind=job.kind)
        reason = INTERNAL
    else:
        return turn.result
    lease.record_failed_turn(job, reason=reason, after=after, most=kind.most_attempts)
    return "attempt-failed"
