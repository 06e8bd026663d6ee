"""Runs: one for every use of a command."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from billhook.portal.api.answers import shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.fields import ShownFields, ShownMoment, example
from billhook.portal.api.lists import ApiPage, PageQuery, page_shown
from billhook.portal.api.scope import NeedsScope
from billhook.portal.runs import access
from billhook.portal.runs.filters import NEWEST_FIRST
from billhook.portal.runs.models import Run

TAG: Final = "Runs"
router: Final = Router()
_READ = NeedsScope("runs:read")


class RunShown(ShownFields):
    """One use of one command. No value that was sent is kept."""

    model_config = example(
        {
            "id": "7x2k9d4mq1zt",
            "kind": "view",
            "command": "GetInvoiceImage",
            "integration_id": "5d2k9x4mq1zt",
            "invoice_id": "2m2k9d4xq1zt",
            "customer_id": None,
            "outcome": "ok",
            "reason": "",
            "started_at": "2026-03-31T09:30:00Z",
            "milliseconds": 212.5,
            "document_bytes": 48213,
            "media_type": "application/pdf",
            "attempts": [],
        }
    )

    id: str
    kind: Annotated[str, Field(description="`view`, `download`, `view-as`, `try` or `api`.")]
    command: str
    integration_id: str | None
    invoice_id: str | None
    customer_id: Annotated[str | None, Field(description="The customer of a statement.")]
    outcome: Annotated[str, Field(description="`ok`, or the code of an error.")]
    reason: str
    started_at: ShownMoment
    milliseconds: float
    document_bytes: int
    media_type: str
    attempts: Annotated[
        list[dict[str, Any]], Field(description="The exchanges with the source, in order.")
    ]

    @classmethod
    def of(cls, row: Run) -> RunShown:
        """Return the fields of *row*."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class RunQuery(PageQuery):
    """The parameters of the list."""

    outcome: Annotated[
        Literal["", "ok", "failed"], Field(description="Only those that worked, or failed.")
    ] = ""
    integration_id: Annotated[str, Field(max_length=40, description="Only of this one.")] = ""


@router.get("/runs", auth=_READ, response=ApiPage[RunShown])
def list_runs(request: HttpRequest, query: Query[RunQuery]) -> HttpResponse:
    """List runs, newest first."""
    found = access.runs_found(
        key_of(request).member, outcome=query.outcome, integration_id=query.integration_id
    )
    return page_shown(found, NEWEST_FIRST, query, RunShown.of)


@router.get("/runs/{run_id}", auth=_READ, response=RunShown)
def read_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return a run."""
    return shown(RunShown.of(access.run_for_member(key_of(request).member, run_id)))
