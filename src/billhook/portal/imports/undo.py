"""Undoes the rows that an import wrote. Whatever was changed since stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from billhook.portal.customers.access import (
    contacts_by_id,
    customers_by_id,
    customers_in_use,
)
from billhook.portal.customers.services import (
    change_customers,
    remove_contacts,
    remove_customers,
)
from billhook.portal.imports.access import rows_to_undo
from billhook.portal.imports.customers.write import customer_as_json
from billhook.portal.imports.invoices.write import facts_as_json, facts_from_json
from billhook.portal.imports.models import FileImport, ImportedRow
from billhook.portal.invoices.access import invoices_by_id
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.services import fill_invoice, remove_invoices, save_invoices
from billhook.portal.mail.services import withdraw_mail

UNDONE_AT_ONCE: Final = 100
"""Rows that are undone in one transaction at most."""
_Undone: Final = ImportedRow.Undone


def undo_rows(file_import: FileImport, *, most: int) -> list[ImportedRow]:
    """Undo the next rows, at most so many, the last first; return them with their results."""
    rows = rows_to_undo(file_import, most=most)
    if not rows:
        return []
    what = ImportedRow.What(rows[0].what)
    same = list(takewhile(lambda row: row.what == what, rows))  # contacts, then their customers
    _UNDO[what](file_import, same)
    return same


def _undo_invoices(file_import: FileImport, rows: Sequence[ImportedRow]) -> None:
    organisation = file_import.organisation
    invoices = invoices_by_id(organisation, [row.object_id for row in rows])
    customer_ids = [row.before["customer_id"] for row in rows if row.before]
    customers = customers_by_id(organisation, customer_ids)
    removed, restored = [], []
    for row in rows:
        invoice = invoices.get(row.object_id)
        if invoice is None:
            row.undone = _Undone.GONE
        elif not _is_as_written(invoice, row.after):
            row.undone = _Undone.CHANGED
        elif row.before is None:
            row.undone = _Undone.UNDONE
            removed.append(invoice.id)
        elif row.before["customer_id"] in customers:
            row.undone = _Undone.UNDONE
            fill_invoice(invoice, customers[row.before["customer_id"]], facts_from_json(row.before))
            restored.append(invoice)
        else:
            row.undone = _Undone.CHANGED
    remove_invoices(ids=removed)
    save_invoices(invoices=restored)


def _is_as_written(invoice: Invoice, written: Mapping[str, Any] | None) -> bool:
    """Return whether *invoice* has the facts that were *written*; an older import had fewer."""
    now = facts_as_json(invoice)
    return all(now.get(name) == value for name, value in (written or {}).items())


def _undo_customers(file_import: FileImport, rows: Sequence[ImportedRow]) -> None:
    ids = [row.object_id for row in rows]
    customers = customers_by_id(file_import.organisation, ids)
    used = customers_in_use(ids)
    removed, restored = [], []
    for row in rows:
        customer = customers.get(row.object_id)
        if customer is None:
            row.undone = _Undone.GONE
        elif customer_as_json(customer) != row.after:
            row.undone = _Undone.CHANGED
        elif row.before is not None:
            row.undone = _Undone.UNDONE
            customer.name, customer.locale = row.before["name"], row.before["locale"]
            restored.append(customer)
        elif customer.id in used:
            row.undone = _Undone.USED
        else:
            row.undone = _Undone.UNDONE
            removed.append(customer)
    remove_customers(customers=removed)
    change_customers(customers=restored)


def _undo_contacts(file_import: FileImport, rows: Sequence[ImportedRow]) -> None:
    contacts = contacts_by_id(file_import.organisation, [row.object_id for row in rows])
    for row in rows:
        row.undone = _Undone.UNDONE if row.object_id in contacts else _Undone.GONE
    remove_contacts(contacts=list(contacts.values()))
    for contact in contacts.values():
        withdraw_mail(user=contact.user, organisation=file_import.organisation)


_UNDO: Final = {
    ImportedRow.What.INVOICE: _undo_invoices,
    ImportedRow.What.CUSTOMER: _undo_customers,
    ImportedRow.What.CONTACT: _undo_contacts,
}
