"""The export of invoices as a CSV file that can be imported again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from billhook.portal.fields.csv_files import chunks_of_table
from billhook.portal.fields.currencies import plain_amount
from billhook.portal.invoices.models import Invoice, InvoiceType, Status

COLUMNS: Final[dict[str, Callable[[Invoice], str]]] = {
    "Invoice number": lambda invoice: invoice.number,
    "Customer number": lambda invoice: invoice.customer.number,
    "Customer name": lambda invoice: invoice.customer.name,
    "Date": lambda invoice: invoice.issued_on.isoformat(),
    "Due date": lambda invoice: invoice.due_on.isoformat() if invoice.due_on else "",
    "Amount": lambda invoice: plain_amount(invoice.amount, invoice.currency),
    "Still open": lambda invoice: plain_amount(invoice.open_amount, invoice.currency),
    "Currency": lambda invoice: invoice.currency,
    "Document type": lambda invoice: str(InvoiceType(invoice.type).label),
    "Status": lambda invoice: str(Status(invoice.status).label),
    "PO number": lambda invoice: invoice.po_number,
    "Id in the billing system": lambda invoice: invoice.source_id,
    "Link": lambda invoice: invoice.link,
}
"""The cells of each column, by its name."""


def export_invoices(invoices: Iterable[Invoice]) -> Iterator[bytes]:
    """Give a CSV file of *invoices* that can be imported again, in chunks."""
    rows = ([write(invoice) for write in COLUMNS.values()] for invoice in invoices)
    return chunks_of_table(list(COLUMNS), rows)
