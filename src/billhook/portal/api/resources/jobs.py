"""Jobs: work that outlives a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from billhook.portal.api.answers import shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.fields import ShownFields, ShownMoment, example
from billhook.portal.api.lists import ApiPage, PageQuery, page_shown
from billhook.portal.api.problems import ApiProblem
from billhook.portal.api.scope import NeedsScope
from billhook.portal.jobs import access, services
from billhook.portal.jobs.models import Job
from billhook.portal.paging.order import Order

TAG: Final = "Jobs"
router: Final = Router()
_READ, _WRITE = NeedsScope("jobs:read"), NeedsScope("jobs:write")
_NEWEST_FIRST: Final = Order(name="newest", fields=("created_at", "id"), is_descending=True)


class JobShown(ShownFields):
    """Work that is done in the background."""

    model_config = example(
        {
            "id": "7x2k9d4mq1zt",
            "kind": "sync",
            "title": "Sync of Acme billing",
            "state": "running",
            "done": 200,
            "total": None,
            "note": "",
            "reason": "",
            "due_at": "2026-03-31T09:30:00Z",
            "created_at": "2026-03-31T09:29:58Z",
            "started_at": "2026-03-31T09:30:00Z",
            "ended_at": None,
        }
    )

    id: str
    kind: str
    title: str
    state: Annotated[str, Field(description="`waiting`, `running`, `done`, `failed` or `stopped`.")]
    done: int
    total: int | None
    note: str
    reason: Annotated[str, Field(description="The reason for the last failure, in a sentence.")]
    due_at: ShownMoment
    created_at: ShownMoment
    started_at: ShownMoment | None
    ended_at: ShownMoment | None

    @classmethod
    def of(cls, row: Job) -> JobShown:
        """Return the fields of *row*."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class JobQuery(PageQuery):
    """The parameters of the list."""

    state: Annotated[
        Literal["", "open", "failed", "done", "stopped"],
        Field(description="Only those in this state; `open` is waiting or running."),
    ] = ""


@router.get("/jobs", auth=_READ, response=ApiPage[JobShown])
def list_jobs(request: HttpRequest, query: Query[JobQuery]) -> HttpResponse:
    """List jobs, newest first."""
    found = access.jobs_shown(key_of(request).member, query.state)
    return page_shown(found, _NEWEST_FIRST, query, JobShown.of)


@router.get("/jobs/{job_id}", auth=_READ, response=JobShown)
def read_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Return a job."""
    return shown(JobShown.of(_found(request, job_id)))


@router.post("/jobs/{job_id}/stop", auth=_WRITE, response=JobShown)
def stop_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """End a job. Whatever it has done so far stays."""
    return _changed(request, job_id, services.stop)


@router.post("/jobs/{job_id}/retry", auth=_WRITE, response=JobShown)
def retry_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Let a job that failed, or was stopped, go on from where it ended."""
    return _changed(request, job_id, services.retry)


def _found(request: HttpRequest, job_id: str) -> Job:
    return access.job_for_member(key_of(request).member, job_id)


def _changed(request: HttpRequest, job_id: str, change: Callable[..., Any]) -> HttpResponse:
    if not change(job=_found(request, job_id)):
        raise ApiProblem("not-possible", "The job isn't in a state in which this can be done.")
    return shown(JobShown.of(_found(request, job_id)))
