"""The facts about an invoice in a row of a file, or in several rows that have its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billhook.portal.imports.columns.fields import INVOICE_FIELDS
from billhook.portal.imports.columns.mapping import RowsOfOne
from billhook.portal.invoices.models import InvoiceType, Status

LABELS: Final = {field.name: field.label.lower() for field in INVOICE_FIELDS}
_SAME_IN_ALL: Final = (
    "customer_number",
    "issued_on",
    "due_on",
    "currency",
    "status",
    "source_id",
    "type",
    "po_number",
    "link",
)
_FACTS: Final = (*_SAME_IN_ALL, "customer_name")
_LINES_SHOWN: Final = 4
_AMOUNTS: Final = ("amount", "open_amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInvoice:
    """The facts in a row. None is a fact that is missing; ``reasons`` are its problems."""

    lines: tuple[int, ...]
    number: str
    customer_number: str = ""
    customer_name: str = ""
    issued_on: date | None = None
    due_on: date | None = None
    amount: Decimal | None = None
    open_amount: Decimal | None = None
    currency: str | None = None
    status: Status | None = None
    source_id: str | None = None
    type: InvoiceType | None = None
    po_number: str | None = None
    link: str | None = None
    reasons: tuple[str, ...] = ()


def merge_rows(rows: Sequence[FileInvoice], rows_of_one: RowsOfOne | None) -> FileInvoice:
    """Return the invoice whose number all *rows* have: one row for each of its items, usually."""
    if len(rows) == 1:
        return rows[0]
    reasons = [reason for row in rows for reason in row.reasons]
    reasons += [_differs(rows, name) for name in _SAME_IN_ALL if len(_values(rows, name)) > 1]
    facts: dict[str, Any] = {
        name: next(iter(_values(rows, name)), getattr(rows[0], name)) for name in _FACTS
    }
    facts |= {name: _merged_amount(rows, name, rows_of_one, reasons.append) for name in _AMOUNTS}
    lines = tuple(line for row in rows for line in row.lines)
    return replace(rows[0], **facts, lines=lines, reasons=tuple(dict.fromkeys(reasons)))


def repeats_prove(groups: Sequence[Sequence[FileInvoice]]) -> RowsOfOne | None:
    """Return the meaning of amounts that *groups* of rows with one number prove.

    Amounts that differ can only be those of items. Equal ones prove nothing: they may repeat the
    invoice's, or be of two items with one price.
    """
    differs = any(len(_values(rows, name)) > 1 for rows in groups for name in _AMOUNTS)
    return RowsOfOne.ADD if differs else None


def repeats_are_unclear(groups: Sequence[Sequence[FileInvoice]]) -> bool:
    """Return whether rows with one number have equal amounts, and nothing shows their meaning."""
    repeated = any(_count(rows, name) > 1 for rows in groups for name in _AMOUNTS)
    return repeated and repeats_prove(groups) is None


def _merged_amount(
    rows: Sequence[FileInvoice],
    name: str,
    rows_of_one: RowsOfOne | None,
    refuse: Callable[[str], None],
) -> Decimal | None:
    amounts: list[Decimal] = [amount for row in rows if (amount := getattr(row, name)) is not None]
    if not amounts[1:]:
        return amounts[0] if amounts else None
    if rows_of_one is RowsOfOne.ADD:
        return sum(amounts, Decimal(0))
    if len(set(amounts)) > 1:
        refuse(_differs(rows, name))
    elif rows_of_one is None:
        refuse(
            f"{_lines(rows)} have this invoice and the same {LABELS[name]}. Choose whether rows "
            "of one invoice are added up, or repeat its amount."
        )
    return amounts[0]


def _values(rows: Sequence[FileInvoice], name: str) -> dict[object, None]:
    """Return the different values that *rows* have, in their order."""
    values = (getattr(row, name) for row in rows)
    return dict.fromkeys(value for value in values if value not in {None, ""})


def _count(rows: Sequence[FileInvoice], name: str) -> int:
    return sum(getattr(row, name) is not None for row in rows)


def _differs(rows: Sequence[FileInvoice], name: str) -> str:
    return f"{_lines(rows)} have this invoice, but not the same {LABELS[name]}."


def _lines(rows: Sequence[FileInvoice]) -> str:
    lines = [str(line) for row in rows for line in row.lines]
    if len(lines) > _LINES_SHOWN:
        lines = [*lines[:_LINES_SHOWN], f"{len(lines) - _LINES_SHOWN} more"]
    return f"Lines {', '.join(lines[:-1])} and {lines[-1]}"
