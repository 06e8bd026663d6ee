"""The job processes of one node with the tests' own kinds of jobs, as a program."""

from __future__ import annotations

from billhook.server.django_setup import set_up_django

set_up_django()

from django.conf import settings  # noqa: E402

from billhook.server.jobs.process import work_on_jobs  # noqa: E402

settings.JOB_KINDS = (*settings.JOB_KINDS, "portal.jobs.job_kinds.KINDS")
work_on_jobs()
