"""The first page of the backoffice: the remaining tasks, and the current state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.customers.access import customers_for_member
from billhook.portal.integrations.access import integrations_for_member
from billhook.portal.invoices.access import invoices_for_member
from billhook.portal.invoices.filters import balances, counts
from billhook.portal.organisations.models import Member
from billhook.portal.runs.access import failures_among, runs_for_member
from billhook.portal.warnings.home import warnings_for_member

_RUNS_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task before a customer can click VIEW. ``route`` is the page for it."""

    label: str
    help: str
    route: str
    is_done: bool


@require_safe
def home(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Show the remaining tasks, then the balances and the last runs."""
    member = member_for(request, organisation_id)
    invoices = invoices_for_member(member)
    today = timezone.localdate()
    tasks = _tasks(member)
    runs = runs_for_member(member)
    of_a_day = runs.filter(started_at__gte=timezone.now() - timedelta(days=1))
    context = {
        "warnings": warnings_for_member(member),
        "tasks": tasks,
        "is_ready": all(task.is_done for task in tasks),
        "counts": {show.value: count for show, count in counts(invoices, today=today).items()},
        "balances": balances(invoices, today=today),
        "customer_count": customers_for_member(member).count(),
        "run_count": of_a_day.count(),
        "failed_count": failures_among(of_a_day).count(),
        "runs": runs[:_RUNS_SHOWN],
    }
    return page(request, member, "backoffice/home.html", context, section="home")


def _tasks(member: Member) -> list[Task]:
    customers = customers_for_member(member)
    return [
        Task(
            label="Connect your billing system",
            help="An integration gets the documents of invoices from your billing system.",
            route="backoffice:integrations",
            is_done=integrations_for_member(member).exists(),
        ),
        Task(
            label="Create customers",
            help="The companies that you invoice. Importing invoices also creates them.",
            route="backoffice:customers",
            is_done=customers.exists(),
        ),
        Task(
            label="Add or import invoices",
            help="Number, date, amount and customer; the document stays in your billing system.",
            route="backoffice:invoices",
            is_done=invoices_for_member(member).exists(),
        ),
        Task(
            label="Invite a contact",
            help="A person at a customer who signs in and clicks VIEW.",
            route="backoffice:customers",
            is_done=customers.filter(contacts__isnull=False).exists(),
        ),
    ]
