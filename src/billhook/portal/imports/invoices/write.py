"""Writes the planned invoices of one chunk of a file, and undoes what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import create_customers
from billhook.portal.imports.effect import WRITTEN
from billhook.portal.imports.invoices.plan import PlannedInvoice, facts_of
from billhook.portal.imports.models import FileImport, ImportedRow
from billhook.portal.invoices.models import Invoice, InvoiceType, Status
from billhook.portal.invoices.services import InvoiceFacts, fill_invoice, save_invoices
from billhook.portal.organisations.models import Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenInvoice:
    """An invoice that was written: its plan, and its facts before, if it was known."""

    planned: PlannedInvoice
    invoice: Invoice
    before: dict[str, Any] | None


def write_invoices(file_import: FileImport, planned: Sequence[PlannedInvoice]) -> list[ImportedRow]:
    """Write *planned*, and return the rows that record it."""
    written, created = write_planned(file_import.organisation, planned)
    rows = [
        ImportedRow(
            file_import=file_import,
            what=ImportedRow.What.CUSTOMER,
            name=customer.number,
            object_id=customer.id,
            after={"number": customer.number, "name": customer.name, "locale": customer.locale},
        )
        for customer in created
    ]
    rows += [
        ImportedRow(
            file_import=file_import,
            what=ImportedRow.What.INVOICE,
            name=one.invoice.number,
            object_id=one.invoice.id,
            before=one.before,
            after=facts_as_json(one.invoice),
        )
        for one in written
    ]
    return rows


def write_planned(
    organisation: Organisation, planned: Sequence[PlannedInvoice]
) -> tuple[list[WrittenInvoice], list[Customer]]:
    """Write *planned*; return the invoices that this wrote, and the customers that are new."""
    ours = [one for one in planned if one.effect in WRITTEN]
    names = {one.customer_number: one.customer_name for one in reversed(ours) if one.customer_name}
    customers, created = create_customers(
        organisation=organisation,
        names={one.customer_number: names.get(one.customer_number, "") for one in ours},
    )
    written = [_filled(one, customers[one.customer_number]) for one in ours]
    save_invoices(invoices=[one.invoice for one in written])
    return written, created


def _filled(planned: PlannedInvoice, customer: Customer) -> WrittenInvoice:
    invoice = planned.known or Invoice()
    before = None if planned.known is None else facts_as_json(invoice)
    if planned.facts is not None:
        fill_invoice(invoice, customer, planned.facts)
    return WrittenInvoice(planned=planned, invoice=invoice, before=before)


def facts_as_json(invoice: Invoice) -> dict[str, Any]:
    """Return the facts of *invoice* and its customer, as they are recorded."""
    facts = {name: _as_json(value) for name, value in asdict(facts_of(invoice)).items()}
    return {**facts, "customer_id": invoice.customer_id}


def facts_from_json(recorded: dict[str, Any]) -> InvoiceFacts:
    """Return the facts that were recorded."""
    due_on = recorded["due_on"]
    return InvoiceFacts(
        number=recorded["number"],
        issued_on=date.fromisoformat(recorded["issued_on"]),
        due_on=date.fromisoformat(due_on) if due_on else None,
        amount=Decimal(recorded["amount"]),
        open_amount=Decimal(recorded["open_amount"]),
        currency=recorded["currency"],
        status=Status(recorded["status"]),
        source_id=recorded["source_id"],
        type=InvoiceType(recorded.get("type", InvoiceType.INVOICE)),  # older imports have none
        po_number=recorded.get("po_number", ""),
        link=recorded.get("link", ""),
    )


def _as_json(value: object) -> str | None:
    match value:
        case None:
            return None
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)
