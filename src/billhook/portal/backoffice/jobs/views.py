"""Jobs: the list, and stop, run now and retry."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from billhook.portal.backoffice.jobs.line import line_of
from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE, member_for, page
from billhook.portal.fields.times import shown_moment
from billhook.portal.jobs import access, services
from billhook.portal.jobs.models import Job
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.count import count_up_to
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import page_of

_NEWEST_FIRST: Final = Order(name="newest", fields=("created_at", "id"), is_descending=True)


@require_safe
def jobs(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the organisation's jobs, newest first."""
    member = member_for(request, organisation_id)
    shown = access.read_shown_jobs(request.GET.get("state", ""))
    found = access.jobs_shown(member, shown)
    rows = page_of(found, _NEWEST_FIRST, request.GET.get("page", ""), size=ROWS_ON_A_PAGE)
    context = {
        "lines": [line_of(row) for row in rows.rows],
        "page": rows,
        "count": count_up_to(found),
        "shown": shown,
        "choices": access.SHOWN_JOBS,
        "open": count_up_to(access.jobs_shown(member, "open")),
        "failed": count_up_to(access.jobs_shown(member, "failed")),
    }
    return page(request, member, "backoffice/jobs/list.html", context, section="jobs")


@require_POST
def stop_job(request: HttpRequest, organisation_id: str, job_id: str) -> HttpResponse:
    """End a job; whatever it has done so far stays."""
    member, job = _job(request, organisation_id, job_id)
    _report(request, is_done=services.stop(job=job), done="Stopped.")
    return _back(member)


@require_POST
def run_job_now(request: HttpRequest, organisation_id: str, job_id: str) -> HttpResponse:
    """Let a job that waits for a time go on at once."""
    member, job = _job(request, organisation_id, job_id)
    until = services.pause_until(job)
    if until is None:
        _report(request, is_done=services.run_now(job=job), done="It goes on now.")
    else:
        messages.info(request, _later(job, until))
    return _back(member)


@require_POST
def retry_job(request: HttpRequest, organisation_id: str, job_id: str) -> HttpResponse:
    """Let a job that failed, or was stopped, go on from where it ended."""
    member, job = _job(request, organisation_id, job_id)
    until = services.pause_until(job)
    done = "It is tried again." if until is None else _later(job, until)
    _report(request, is_done=services.retry(job=job), done=done)
    return _back(member)


def _job(request: HttpRequest, organisation_id: str, job_id: str) -> tuple[Member, Job]:
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    return member, access.job_for_member(member, job_id)


def _later(job: Job, until: datetime) -> str:
    """Return why *job* doesn't go on yet, and when it does."""
    return format_html(
        "{} It goes on at {}.", job.note or "It waits.", shown_moment(until, "second")
    )


def _report(request: HttpRequest, *, is_done: bool, done: str) -> None:
    if is_done:
        messages.success(request, done)
    else:
        messages.info(request, "The job has gone on meanwhile: nothing was changed.")


def _back(member: Member) -> HttpResponse:
    return HttpResponseRedirect(reverse("backoffice:jobs", args=[member.organisation_id]))
