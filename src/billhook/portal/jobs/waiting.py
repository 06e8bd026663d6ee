"""Waits a moment for a job, so that a page about short work needs no second look."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from billhook.portal.jobs.access import is_open
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.run import run_due_jobs, run_job

_PATIENCE: Final = 1.5
_LOOK_EVERY: Final = 0.1


def wait_for_job(job: Job, *, seconds: float = _PATIENCE) -> None:
    """Return when *job* has ended, or after some *seconds*; at once if it has taken longer."""
    if settings.JOBS_AT_ONCE:
        run_due_jobs()
        return
    if timezone.now() - job.created_at > timedelta(seconds=seconds):
        return
    until = time.monotonic() + seconds
    while time.monotonic() < until and is_open(job):
        time.sleep(_LOOK_EVERY)


def do_job_here(job: Job) -> None:
    """Do the turns of *job* in this process, or wait while another one does them."""
    while is_open(job):
        if not run_job(job.id):
            time.sleep(_LOOK_EVERY)
