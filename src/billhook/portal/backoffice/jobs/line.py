"""One line of the page Jobs: the job in words, its progress, and what a member may do with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from billhook.portal.jobs.kind import UnknownJobKind, job_kind
from billhook.portal.jobs.models import Job, JobState
from billhook.portal.jobs.services import can_be_retried


@dataclass(frozen=True, slots=True, kw_only=True)
class _Badge:
    """The look of a state: its word, colour and icon."""

    word: str
    kind: str
    icon: str


_BADGES: Final = {
    JobState.WAITING: _Badge(word="Waiting", kind="", icon="clock"),
    JobState.RUNNING: _Badge(word="Running", kind="info", icon="refresh"),
    JobState.DONE: _Badge(word="Done", kind="good", icon="check"),
    JobState.FAILED: _Badge(word="Failed", kind="bad", icon="warning"),
    JobState.STOPPED: _Badge(word="Stopped", kind="", icon="minus"),
}
_TRIES_AGAIN: Final = _Badge(word="Will try again", kind="warn", icon="clock")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job as its line shows it."""

    job: Job
    title: str
    page: str
    badge: _Badge
    later_at: datetime | None
    """The time of the next turn, if that isn't now."""

    @property
    def can_run_now(self) -> bool:
        """Whether the next turn could be sooner."""
        return self.later_at is not None

    @property
    def can_retry(self) -> bool:
        """Whether it ended before its work was done."""
        return self.job.state in {JobState.FAILED, JobState.STOPPED} and can_be_retried(self.job)

    @property
    def progress(self) -> str:
        """The progress in words."""
        job = self.job
        counted = (
            f"{job.done:,} of {job.total:,}" if job.total else f"{job.done:,}" * bool(job.done)
        )
        return ". ".join(filter(None, [counted, job.note]))


def line_of(job: Job) -> JobLine:
    """Return the line of *job*."""
    waits = job.is_open and job.leased_until is None and job.due_at > timezone.now()
    return JobLine(
        job=job,
        title=job.title or _label(job),
        page=_page(job),
        badge=_TRIES_AGAIN if waits and job.attempts else _BADGES[JobState(job.state)],
        later_at=job.due_at if waits else None,
    )


def _label(job: Job) -> str:
    try:
        return job_kind(job.kind).label
    except UnknownJobKind:
        return job.kind


def _page(job: Job) -> str:
    """Return the path of the page about the job's subject; empty if there is none."""
    try:
        page = job_kind(job.kind).page
    except UnknownJobKind:
        return ""
    return page(job) if page else ""
