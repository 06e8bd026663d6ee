"""The columns of CSV files, recognised by the names in the first row, and our own export."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from billhook.portal.fields.csv_files import write_table
from billhook.portal.invoices.models import Invoice, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvColumn:
    """One column: our name for it, the names that others use, and how it fills an invoice.

    A file must have the ``required`` ones, and the row of a new invoice those ``for_new``.
    """

    name: str
    label: str
    others: tuple[str, ...]
    required: bool = False
    for_new: bool = False
    write: Callable[[Invoice], str]


COLUMNS: Final = (
    CsvColumn(
        name="number",
        label="Invoice number",
        others=("number", "invoice", "invoice no", "invoice id", "document number", "no"),
        required=True,
        write=lambda invoice: invoice.number,
    ),
    CsvColumn(
        name="customer_number",
        label="Customer number",
        others=("customer", "customer no", "customer id", "account number", "debtor", "client"),
        for_new=True,
        write=lambda invoice: invoice.customer.number,
    ),
    CsvColumn(
        name="customer_name",
        label="Customer name",
        others=("company", "name", "client name"),
        write=lambda invoice: invoice.customer.name,
    ),
    CsvColumn(
        name="issued_on",
        label="Date",
        others=("invoice date", "issued", "issue date", "issued on", "document date"),
        for_new=True,
        write=lambda invoice: invoice.issued_on.isoformat(),
    ),
    CsvColumn(
        name="due_on",
        label="Due date",
        others=("due", "due on", "payable by"),
        write=lambda invoice: invoice.due_on.isoformat() if invoice.due_on else "",
    ),
    CsvColumn(
        name="amount",
        label="Amount",
        others=("total", "gross", "gross amount", "total amount", "invoice amount", "sum"),
        for_new=True,
        write=lambda invoice: f"{invoice.amount:.2f}",
    ),
    CsvColumn(
        name="open_amount",
        label="Still open",
        others=("open", "open amount", "balance", "amount due", "outstanding"),
        write=lambda invoice: f"{invoice.open_amount:.2f}",
    ),
    CsvColumn(
        name="currency",
        label="Currency",
        others=("currency code", "ccy"),
        for_new=True,
        write=lambda invoice: invoice.currency,
    ),
    CsvColumn(
        name="status",
        label="Status",
        others=("state", "payment status"),
        write=lambda invoice: str(Status(invoice.status).label),
    ),
    CsvColumn(
        name="source_id",
        label="Id in the billing system",
        others=("source id", "external id", "internal id", "guid", "uuid"),
        write=lambda invoice: invoice.source_id,
    ),
)
_SIGNS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """The columns of one file: their positions by our names, and the unknown names."""

    places: dict[str, int]
    not_used: tuple[str, ...]
    missing: tuple[CsvColumn, ...]
    twice: tuple[CsvColumn, ...]

    @property
    def used(self) -> tuple[CsvColumn, ...]:
        """The columns that the file has, in our order."""
        return tuple(column for column in COLUMNS if column.name in self.places)


def map_columns(header: tuple[str, ...]) -> Mapping:
    """Return the meaning of each column of a file with this *header*."""
    places: dict[str, int] = {}
    twice: list[CsvColumn] = []
    not_used: list[str] = []
    for place, name in enumerate(header):
        column = _BY_NAME.get(_plain(name))
        if column is None:
            not_used.extend([name] if name else [])
        elif column.name in places:
            twice.append(column)
        else:
            places[column.name] = place
    missing = tuple(c for c in COLUMNS if c.required and c.name not in places)
    return Mapping(places=places, not_used=tuple(not_used), missing=missing, twice=tuple(twice))


def _plain(name: str) -> str:
    return _SIGNS.sub(" ", name.lower()).strip()


_BY_NAME: Final = {
    _plain(name): column
    for column in COLUMNS
    for name in (column.label, column.name, *column.others)
}


def export_invoices(invoices: Iterable[Invoice]) -> bytes:
    """Return a CSV file of *invoices* that can be imported again."""
    rows = ([column.write(invoice) for column in COLUMNS] for invoice in invoices)
    return write_table([column.label for column in COLUMNS], rows)
