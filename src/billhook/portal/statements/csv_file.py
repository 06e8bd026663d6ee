"""The statement as a CSV file: one line for each invoice and credit note of the period."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from billhook.portal.fields.csv_files import chunks_of_table
from billhook.portal.fields.currencies import plain_amount
from billhook.portal.invoices.csv_export import COLUMNS as OF_INVOICE
from billhook.portal.statements.account import StatementLine

_SAME: Final = (
    "Invoice number",
    "Document type",
    "Customer number",
    "Customer name",
    "Date",
    "Due date",
    "PO number",
    "Currency",
)
"""The columns that the export of invoices has, too."""
_OWN: Final[dict[str, Callable[[StatementLine], str]]] = {
    "Amount": lambda line: plain_amount(line.amount, line.invoice.currency),
    "Still open": lambda line: plain_amount(line.open_amount, line.invoice.currency),
    "Status": lambda line: line.status.word,
    "Days overdue": lambda line: str(line.days_overdue),
}


def export_statement(lines: Iterable[StatementLine]) -> Iterator[bytes]:
    """Give the CSV file of *lines* in chunks; no spreadsheet takes a cell for a formula."""
    return chunks_of_table([*_SAME, *_OWN], map(_cells, lines))


def _cells(line: StatementLine) -> list[str]:
    same = [OF_INVOICE[name](line.invoice) for name in _SAME]
    return same + [write(line) for write in _OWN.values()]
