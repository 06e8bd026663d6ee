"""The content of the backoffice's first page: warnings, remaining tasks and the current state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from billhook.portal.backoffice.start.sample import sample_contact, sample_integrations
from billhook.portal.customers.access import customers_for_member, first_contact_of
from billhook.portal.customers.models import Contact
from billhook.portal.invoices.access import invoices_for_member, open_sums
from billhook.portal.invoices.filters import counts, kept_balances
from billhook.portal.mail.status import mail_status
from billhook.portal.organisations.access import may
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.count import count_up_to
from billhook.portal.runs.access import (
    failures_among,
    has_document,
    runs_for_member,
    runs_since,
)
from billhook.portal.runs.models import RunKind
from billhook.portal.warnings.home import warnings_for_member

_RUNS_SHOWN: Final = 6
_VIEWS: Final = (RunKind.VIEW, RunKind.DOWNLOAD, RunKind.VIEW_AS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task until contacts can work with the portal. ``address`` is the page for it."""

    label: str
    help: str
    address: str
    is_done: bool


def home_facts(member: Member) -> dict[str, Any]:
    """Return the content of the first page for *member*."""
    invoices, today = invoices_for_member(member), timezone.localdate()
    of_a_day = runs_since(member, timezone.now() - timedelta(days=1))
    sample = sample_contact(member)
    return {
        "warnings": warnings_for_member(member),
        **_set_up(member, sample),
        "sample": sample,
        "counts": {show.value: count for show, count in counts(invoices, today=today).items()},
        "balances": kept_balances(open_sums(member), today=today),
        "customer_count": count_up_to(customers_for_member(member)),
        "run_count": count_up_to(of_a_day),
        "failed_count": count_up_to(failures_among(of_a_day)),
        "runs": runs_for_member(member)[:_RUNS_SHOWN],
    }


def _set_up(member: Member, sample: Contact | None) -> dict[str, Any]:
    """Return the set-up list: it ends when a VIEW of an own document has worked."""
    if not may(member, Role.EDITOR):
        return {"is_ready": True}
    if not has_document(member, RunKind.values, without=()):
        return {"is_ready": False, "tasks": _tasks(member, sample, has_seen=False)}
    of_sample = [row.id for row in sample_integrations(member)] if sample else []
    if has_document(member, _VIEWS, without=of_sample):
        return {"is_ready": True}
    has_seen = has_document(member, RunKind.values, without=of_sample)
    return {"is_ready": False, "tasks": _tasks(member, sample, has_seen=has_seen)}


def _tasks(member: Member, sample: Contact | None, *, has_seen: bool) -> list[Task]:
    def page(route: str) -> str:
        return reverse(f"backoffice:{route}", args=[member.organisation_id])

    customers, invoices = customers_for_member(member), invoices_for_member(member)
    if sample is not None:
        customers = customers.exclude(id=sample.customer_id)
        invoices = invoices.exclude(customer_id=sample.customer_id)
    contact = first_contact_of(customers)
    return [
        Task(
            label="See one of your PDFs",
            help="An address, a key and an invoice's number are enough.",
            address=page("start"),
            is_done=has_seen,
        ),
        Task(
            label="Bring in customers and invoices",
            help="Import the list that your billing system exports. Documents stay there.",
            address=page("invoice-import"),
            is_done=customers.exists() and invoices.exists(),
        ),
        *_mail_task(member, page("settings")),
        Task(
            label="Invite a contact",
            help="A person at a customer who signs in and clicks VIEW.",
            address=page("customers"),
            is_done=contact is not None,
        ),
        Task(
            label="Click VIEW as a contact",
            help="You see what the contact sees. This list ends when a document was shown.",
            address=reverse("as:home", args=[contact.id]) if contact else page("customers"),
            is_done=False,
        ),
    ]


def _mail_task(member: Member, address: str) -> list[Task]:
    """Return the task of those who may see the state of mail."""
    if not may(member, Role.OWNER):
        return []
    help_text = "Contacts get their codes to sign in by mail."
    return [
        Task(label="Have mail sent", help=help_text, address=address, is_done=mail_status().works)
    ]
