"""Changes to invoices. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from billhook.portal.customers.models import Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.invoices.models import Invoice, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts:
    """The facts of an invoice. Amounts have two decimals; the currency has three letters."""

    number: str
    issued_on: date
    amount: Decimal
    open_amount: Decimal
    currency: str
    due_on: date | None = None
    status: Status = Status.OPEN
    source_id: str = ""


def save_invoice(
    *, customer: Customer, facts: InvoiceFacts, invoice: Invoice | None = None
) -> Invoice:
    """Create an invoice of *customer*, or change *invoice*, which may move to *customer*.

    Raises:
        FieldProblem: if the facts contradict each other, or another invoice has that number.
    """
    check_facts(facts)
    invoice = invoice or Invoice()
    fill_invoice(invoice, customer, facts)
    try:
        with transaction.atomic():
            invoice.save()
    except IntegrityError:
        message = f"Invoice {facts.number} already exists. Invoice numbers must be unique."
        raise FieldProblem("number", message) from None
    return invoice


def check_facts(facts: InvoiceFacts) -> None:
    """Raise :class:`FieldProblem` if the facts contradict each other."""
    if facts.due_on is not None and facts.due_on < facts.issued_on:
        raise FieldProblem("due_on", "The due date is before the invoice date. Change one of them.")
    if abs(facts.open_amount) > abs(facts.amount):
        raise FieldProblem(
            "open_amount", "The open amount is larger than the amount. Change one of them."
        )


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


def open_by_default(amount: Decimal, status: Status) -> Decimal:
    """Return the open part of *amount* when it isn't given."""
    return Decimal("0.00") if status in {Status.PAID, Status.CREDITED} else amount


def remove_invoice(*, invoice: Invoice) -> None:
    """Remove an invoice's record. Runs that viewed it stay, without it."""
    invoice.delete()
