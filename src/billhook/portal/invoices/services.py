"""Changes to invoices. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from billhook.portal.customers.models import Customer
from billhook.portal.fields.currencies import decimals_of, fits_currency
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.invoices.models import Hidden, Invoice, InvoiceType, Status

_AT_ONCE: Final = 500
_NOTHING_OPEN: Final = {Status.PAID, Status.CREDITED, Status.VOID, Status.WRITTEN_OFF}
_SYNCED: Final = ("integration", "source_changed_at", "hidden_at", "hidden_because")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts:
    """The facts of an invoice. The currency has three letters, and the amounts its decimals."""

    number: str
    issued_on: date
    amount: Decimal
    open_amount: Decimal
    currency: str
    due_on: date | None = None
    status: Status = Status.OPEN
    source_id: str = ""
    type: InvoiceType = InvoiceType.INVOICE
    po_number: str = ""
    link: str = ""


FACTS: Final = tuple(InvoiceFacts.__dataclass_fields__)


def save_invoice(
    *, customer: Customer, facts: InvoiceFacts, invoice: Invoice | None = None
) -> Invoice:
    """Create an invoice of *customer*, or change *invoice*, which may move to *customer*.

    Raises:
        FieldProblem: if the facts contradict each other, or another invoice has that number.
    """
    check_facts(facts)
    invoice = invoice or Invoice()
    _check_number(customer, facts, invoice)
    fill_invoice(invoice, customer, facts)
    try:
        with transaction.atomic():
            invoice.save()
    except IntegrityError:
        raise _number_taken(facts) from None
    return invoice


def _check_number(customer: Customer, facts: InvoiceFacts, invoice: Invoice) -> None:
    """Refuse the number of another invoice, which may come from an integration."""
    same = Invoice.objects.filter(
        organisation_id=customer.organisation_id, number=facts.number.strip()
    )
    if same.exclude(id=invoice.id).exists():
        raise _number_taken(facts)


def _number_taken(facts: InvoiceFacts) -> FieldProblem:
    message = f"Invoice {facts.number} already exists. Invoice numbers must be unique."
    return FieldProblem("number", message)


def check_facts(facts: InvoiceFacts) -> None:
    """Raise :class:`FieldProblem` if the facts contradict each other."""
    for field, amount in (("amount", facts.amount), ("open_amount", facts.open_amount)):
        if not fits_currency(amount, facts.currency):
            raise FieldProblem(field, _too_many_decimals(amount, facts.currency))
    if facts.link and not facts.link.startswith("https://"):
        raise FieldProblem("link", "A link begins with https://. Change it, or leave it out.")
    if facts.due_on is not None and facts.due_on < facts.issued_on:
        raise FieldProblem("due_on", "The due date is before the invoice date. Change one of them.")
    if abs(facts.open_amount) > abs(facts.amount):
        raise FieldProblem(
            "open_amount", "The open amount is larger than the amount. Change one of them."
        )


def _too_many_decimals(amount: Decimal, currency: str) -> str:
    decimals = decimals_of(currency)
    if not decimals:
        return f"{amount.normalize():f} has decimals, and {currency} has none. Write whole amounts."
    return f"{amount.normalize():f} has more than the {decimals} decimals of {currency}. Round it."


def fill_invoice(invoice: Invoice, customer: Customer, facts: InvoiceFacts) -> None:
    """Write *facts* into *invoice*, which is *customer*'s from now on. Nothing is saved."""
    invoice.customer = customer
    invoice.organisation_id = customer.organisation_id  # never two tenants in one invoice
    invoice.number = facts.number.strip()
    invoice.source_id = facts.source_id.strip()
    invoice.issued_on, invoice.due_on = facts.issued_on, facts.due_on
    invoice.amount, invoice.open_amount = facts.amount, facts.open_amount
    invoice.currency = facts.currency.upper()
    invoice.status = facts.status
    invoice.type = facts.type
    invoice.po_number, invoice.link = facts.po_number.strip(), facts.link


def open_by_default(amount: Decimal, status: Status) -> Decimal:
    """Return the open part of *amount* when it isn't given."""
    return Decimal("0.00") if status in _NOTHING_OPEN else amount


def save_invoices(*, invoices: Sequence[Invoice]) -> None:
    """Save many invoices, new ones and known ones, as :func:`fill_invoice` filled them."""
    Invoice.objects.bulk_create(
        invoices,
        batch_size=_AT_ONCE,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["customer", "organisation", "changed_at", *_SYNCED, *FACTS],
    )


def hide_invoices(*, ids: Sequence[str], because: Hidden, now: datetime) -> None:
    """Hide many invoices from every list, as of *now*; their records and history stay."""
    for start in range(0, len(ids), _AT_ONCE):
        Invoice.objects.filter(id__in=ids[start : start + _AT_ONCE], hidden_at=None).update(
            hidden_at=now, hidden_because=because, changed_at=timezone.now()
        )


def note_source_changes(*, times: Mapping[str, datetime]) -> None:
    """Note the times at which the source changed the invoices with these ids."""
    for id_, time in times.items():
        Invoice.objects.filter(id=id_).update(source_changed_at=time)


def remove_invoices(*, ids: Sequence[str]) -> None:
    """Remove the records of many invoices."""
    for start in range(0, len(ids), _AT_ONCE):
        Invoice.objects.filter(id__in=ids[start : start + _AT_ONCE]).delete()


def remove_invoice(*, invoice: Invoice) -> None:
    """Remove an invoice's record. Runs that viewed it stay, without it."""
    invoice.delete()
