"""Runs: the list with its filters in the address, and one run with every attempt."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billhook.engine.errors import EgressDenied
from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE, member_for, page
from billhook.portal.integrations.access import integrations_for_member
from billhook.portal.integrations.remedy import advice_on_integration
from billhook.portal.organisations.access import may
from billhook.portal.organisations.models import Role
from billhook.portal.paging.page import page_of
from billhook.portal.runs import access, filters
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.outcomes import sentence_of
from billhook.portal.trying.page import Timed, timed_from

SECTION: Final = "runs"
_OFFERED: Final = 50
"""Integrations to choose from. If there are more, a name is typed."""


@require_safe
def runs(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the runs that the address asks for, newest first, with totals."""
    member = member_for(request, organisation_id)
    criteria = filters.read_filter(request.GET.dict())
    found = filters.narrow(member, criteria)
    address = request.GET.get("page", "")
    rows = page_of(found.rows, filters.NEWEST_FIRST, address, size=ROWS_ON_A_PAGE)
    count, failed = found.totals(rows)
    context = {
        "criteria": criteria,
        "page": rows,
        "count": count,
        "failed": failed,
        "note": found.note,
        "kinds": RunKind.choices,
        "outcomes": filters.OUTCOMES,
        "integrations": list(integrations_for_member(member)[: _OFFERED + 1]),
        "offered": _OFFERED,
    }
    return page(request, member, "backoffice/runs/list.html", context, section=SECTION)


@require_safe
def run(request: HttpRequest, organisation_id: str, run_id: str) -> HttpResponse:
    """Show one run: the person, the invoice, the outcome, and the attempts with their times."""
    member = member_for(request, organisation_id)
    row = access.run_for_member(member, run_id)
    context = {
        "run": row,
        "sentence": sentence_of(row.outcome, row.reason),
        "remedy": _remedy(row) if may(member, Role.OWNER) else "",
        "attempts": _attempts(row),
        "click": access.runs_of_click(member, row),
    }
    return page(request, member, "backoffice/runs/detail.html", context, section=SECTION)


def _remedy(row: Run) -> str:
    """Return the line for the operator, where the egress policy denied what the run needed."""
    if row.outcome != EgressDenied.code or row.integration is None:
        return ""
    return advice_on_integration(row.integration)


def _attempts(row: Run) -> list[Timed]:
    return [_timed(number, attempt) for number, attempt in enumerate(row.attempts, start=1)]


def _timed(number: int, attempt: dict[str, Any]) -> Timed:
    return timed_from(
        number=number,
        step=attempt["step"],
        method=attempt["method"],
        status=attempt["status"],
        received_bytes=attempt["received_bytes"],
        milliseconds=attempt["milliseconds"],
        outcome=attempt["outcome"],
        times=attempt["timing"],
    )
