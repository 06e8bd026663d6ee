"""The only way to the rows of jobs: each function says who is asking."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.http import Http404

from billhook.portal.jobs.models import OPEN, Job, JobSchedule, JobState
from billhook.portal.organisations.models import Member

SHOWN_JOBS: Final = (
    ("", "All"),
    ("open", "Running and waiting"),
    (str(JobState.FAILED), "Failed"),
    (str(JobState.DONE), "Done"),
    (str(JobState.STOPPED), "Stopped"),
)
"""The choices of the list of jobs."""


def jobs_for_member(member: Member) -> QuerySet[Job]:
    """Return the jobs of the organisation that *member* is of, newest first."""
    return Job.objects.filter(organisation_id=member.organisation_id).select_related("user")


def read_shown_jobs(text: str) -> str:
    """Return the key of :data:`SHOWN_JOBS` that *text* is; the one for all jobs otherwise."""
    return text if text in dict(SHOWN_JOBS) else ""


def jobs_shown(member: Member, shown: str) -> QuerySet[Job]:
    """Return those jobs of *member*'s organisation that a key of :data:`SHOWN_JOBS` means."""
    jobs = jobs_for_member(member)
    if shown == "open":
        return jobs.filter(state__in=OPEN)
    return jobs.filter(state=shown) if shown else jobs


def job_for_member(member: Member, job_id: str) -> Job:
    """Return a job of the organisation that *member* is of, or raise Http404."""
    found = jobs_for_member(member).filter(id=job_id).first()
    if found is None:
        raise Http404
    return found


def is_open(job: Job) -> bool:
    """Return whether *job* hasn't ended yet, for the page that waits for it."""
    return Job.objects.filter(id=job.id, state__in=OPEN).exists()


def latest_job(kind: str, subject: str = "") -> Job | None:
    """Return the last job for a subject, for the room whose subject it is."""
    return Job.objects.filter(kind=kind, subject=subject).order_by("-created_at").first()


def next_scheduled(kind: str, subject: str) -> datetime | None:
    """Return when a subject's next job is enqueued, for the room whose subject it is."""
    rows = JobSchedule.objects.filter(kind=kind, subject=subject)
    return rows.values_list("next_at", flat=True).first()
