"""The content of the backoffice's first page: warnings, remaining tasks and the current state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from billhook.portal.customers.access import customers_for_member, has_contacts, has_customers
from billhook.portal.integrations.access import has_integrations
from billhook.portal.invoices.access import has_invoices, invoices_for_member
from billhook.portal.invoices.filters import balances, counts
from billhook.portal.organisations.models import Member
from billhook.portal.runs.access import failures_among, runs_for_member, runs_since
from billhook.portal.warnings.home import warnings_for_member

_RUNS_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task before a customer can click VIEW. ``route`` is the page for it."""

    label: str
    help: str
    route: str
    is_done: bool


def home_facts(member: Member) -> dict[str, Any]:
    """Return the content of the first page for *member*."""
    invoices, today = invoices_for_member(member), timezone.localdate()
    tasks = _tasks(member)
    of_a_day = runs_since(member, timezone.now() - timedelta(days=1))
    return {
        "warnings": warnings_for_member(member),
        "tasks": tasks,
        "is_ready": all(task.is_done for task in tasks),
        "counts": {show.value: count for show, count in counts(invoices, today=today).items()},
        "balances": balances(invoices, today=today),
        "customer_count": customers_for_member(member).count(),
        "run_count": of_a_day.count(),
        "failed_count": failures_among(of_a_day).count(),
        "runs": runs_for_member(member)[:_RUNS_SHOWN],
    }


def _tasks(member: Member) -> list[Task]:
    return [
        Task(
            label="Connect your billing system",
            help="An integration gets the documents of invoices from your billing system.",
            route="backoffice:integrations",
            is_done=has_integrations(member),
        ),
        Task(
            label="Create customers",
            help="The companies that you invoice. Importing invoices also creates them.",
            route="backoffice:customers",
            is_done=has_customers(member),
        ),
        Task(
            label="Add or import invoices",
            help="Number, date, amount and customer; the document stays in your billing system.",
            route="backoffice:invoices",
            is_done=has_invoices(member),
        ),
        Task(
            label="Invite a contact",
            help="A person at a customer who signs in and clicks VIEW.",
            route="backoffice:customers",
            is_done=has_contacts(member),
        ),
    ]
