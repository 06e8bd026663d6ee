"""The facts about an invoice in one row of a CSV file, and the row's problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from billhook.portal.fields.csv_files import CsvRow
from billhook.portal.fields.names import has_unseen
from billhook.portal.invoices.csv_columns import COLUMNS
from billhook.portal.invoices.csv_values import (
    decimal_sign,
    read_amount,
    read_currency,
    read_day,
    read_status,
)
from billhook.portal.invoices.models import Status

_LONGEST: Final = {
    "number": 100,
    "customer_number": 64,
    "customer_name": 200,
    "source_id": 200,
}
_LABELS: Final = {column.name: column.label.lower() for column in COLUMNS}
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The facts in a row. None is a fact that is missing; ``reasons`` are its problems."""

    line: int
    number: str
    customer_number: str
    customer_name: str
    issued_on: date | None
    due_on: date | None
    amount: Decimal | None
    open_amount: Decimal | None
    currency: str | None
    status: Status | None
    source_id: str | None
    reasons: tuple[str, ...]


class RowReader:
    """Reads the rows of one file: its columns are in *places*; all its amounts have one format."""

    def __init__(self, places: dict[str, int], rows: Sequence[CsvRow]) -> None:
        self._places = places
        amounts = (self._text(row, name) for row in rows for name in ("amount", "open_amount"))
        self._sign = decimal_sign(amounts)

    def read(self, row: CsvRow) -> Said:
        """Return the facts in *row*."""
        reasons: list[str] = []

        def value(name: str, read: Callable[[str], _Value]) -> _Value | None:
            text = self._text(row, name)
            try:
                return read(text) if text else None
            except ValueError as error:
                reasons.append(str(error))
                return None

        number = self._text(row, "number")
        if not number:
            reasons.append("The invoice number is missing.")
        return Said(
            line=row.line,
            number=number,
            customer_number=self._text(row, "customer_number"),
            customer_name=self._text(row, "customer_name"),
            issued_on=value("issued_on", read_day),
            due_on=value("due_on", read_day),
            amount=value("amount", self._amount),
            open_amount=value("open_amount", self._amount),
            currency=value("currency", read_currency),
            status=value("status", read_status),
            source_id=value("source_id", str),
            reasons=(*self._unseen(row), *reasons, *self._too_long(row)),
        )

    def _amount(self, text: str) -> Decimal:
        return read_amount(text, self._sign)

    def _text(self, row: CsvRow, name: str) -> str:
        place = self._places.get(name)
        return "" if place is None or place >= len(row.cells) else row.cells[place]

    def _unseen(self, row: CsvRow) -> list[str]:
        return [
            f"The {_LABELS[name]} contains a line break or another invisible character. Remove it."
            for name in self._places
            if has_unseen(self._text(row, name))
        ]

    def _too_long(self, row: CsvRow) -> list[str]:
        return [
            f"{self._text(row, name)[:20]}… is longer than {longest} characters."
            for name, longest in _LONGEST.items()
            if len(self._text(row, name)) > longest
        ]
