"""The addresses of the page Jobs."""

from __future__ import annotations

from typing import Final

from django.urls import path

from billhook.portal.backoffice.jobs import views

patterns: Final = [
    path("/jobs", views.jobs, name="jobs"),
    path("/jobs/<id:job_id>/stop", views.stop_job, name="job-stop"),
    path("/jobs/<id:job_id>/run", views.run_job_now, name="job-run"),
    path("/jobs/<id:job_id>/retry", views.retry_job, name="job-retry"),
]
