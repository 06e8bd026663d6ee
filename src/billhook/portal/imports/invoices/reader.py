"""Reads the rows of a sheet as invoices: first what its columns prove, then row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Final, TypeVar

from billhook.portal.fields.names import has_unseen
from billhook.portal.imports.columns.fields import INVOICE_FIELDS
from billhook.portal.imports.columns.mapping import Mapping, OpenQuestions
from billhook.portal.imports.invoices.facts import (
    LABELS,
    FileInvoice,
    merge_rows,
    repeats_are_unclear,
    repeats_prove,
)
from billhook.portal.imports.reading.table import Cell, FileTable, TableRow, text_of
from billhook.portal.imports.values import amounts, dates
from billhook.portal.imports.values.amounts import ReadAmount, decimal_sign, read_amount
from billhook.portal.imports.values.dates import DayOrder, common_orders, read_day
from billhook.portal.imports.values.identifiers import IdentifierReader
from billhook.portal.imports.values.words import read_currency, read_status, read_type

_DAYS: Final = ("issued_on", "due_on")
_AMOUNTS: Final = ("amount", "open_amount")
_IDENTIFIERS: Final = ("number", "customer_number", "source_id")
_LONGEST: Final = {field.name: field.longest for field in INVOICE_FIELDS}
_Value = TypeVar("_Value")


class InvoiceReader:
    """Reads one sheet; all its amounts have one format, and each column of days one order."""

    def __init__(self, table: FileTable, mapping: Mapping) -> None:
        self._mapping = mapping
        self._places = mapping.places
        self._rows = table_rows(table, mapping)
        self._proven_sign = decimal_sign(self._cells(*_AMOUNTS))
        self._sign = self._proven_sign or mapping.sign
        self._possible = {name: common_orders(self._cells(name)) for name in _DAYS}
        self._orders = {name: self._order(name) for name in _DAYS}
        self._identifiers = {
            name: IdentifierReader(LABELS[name], self._cells(name)) for name in _IDENTIFIERS
        }

    @cached_property
    def groups(self) -> list[list[FileInvoice]]:
        """The rows, those with one invoice number together, in the order of the first."""
        groups: dict[object, list[FileInvoice]] = {}
        for row in self._rows:
            read = self._read(row)
            groups.setdefault(read.number or read.lines, []).append(read)
        return list(groups.values())

    def items(self) -> Iterator[FileInvoice]:
        """Yield the invoices of the sheet, each from all its rows."""
        rows_of_one = repeats_prove(self.groups) or self._mapping.rows_of_one
        for rows in self.groups:
            yield merge_rows(rows, rows_of_one)

    def questions(self) -> OpenQuestions:
        """Return what a person must be asked, as the rows don't show it."""
        return OpenQuestions(
            order=self._unclear_day(),
            sign=self._unclear_amount(),
            rows_of_one=repeats_are_unclear(self._repeated()),
            currency=self._needs_currency(),
        )

    def _order(self, name: str) -> DayOrder | None:
        """Return the order of a column; one without a proof has that of the other."""
        possible = self._possible[name]
        if not possible:
            return None
        proven = [next(iter(each)) for each in self._possible.values() if len(each) == 1]
        if len(possible) == 1:
            return next(iter(possible))
        return proven[0] if proven else self._mapping.order

    def _unclear_day(self) -> str:
        if any(len(possible) == 1 for possible in self._possible.values()):
            return ""
        cells = (cell for name in _DAYS if self._possible[name] for cell in self._cells(name))
        return next((text_of(cell) for cell in cells if dates.is_ambiguous(cell)), "")

    def _unclear_amount(self) -> str:
        if self._proven_sign is not None:
            return ""
        cells = self._cells(*_AMOUNTS)
        return next((text_of(cell) for cell in cells if amounts.is_ambiguous(cell)), "")

    def _needs_currency(self) -> bool:
        if "amount" not in self._places or "currency" in self._places:
            return False
        return any(not self._read(row).currency for row in self._rows)

    def _repeated(self) -> list[list[FileInvoice]]:
        """Return the rows that share their number with another, in groups."""
        numbers = Counter(self._cell(row, "number") for row in self._rows)
        groups: dict[Cell, list[FileInvoice]] = {}
        for row in self._rows:
            number = self._cell(row, "number")
            if number != "" and numbers[number] > 1:
                groups.setdefault(number, []).append(self._read(row))
        return list(groups.values())

    def _cells(self, *names: str) -> Iterator[Cell]:
        for name in names:
            place = self._places.get(name)
            if place is not None:
                yield from (row.cells[place] for row in self._rows if place < len(row.cells))

    def _read(self, row: TableRow) -> FileInvoice:
        reasons: list[str] = []

        def value(name: str, read: Callable[[Cell], _Value]) -> _Value | None:
            cell = self._cell(row, name)
            try:
                return None if cell == "" else read(cell)
            except ValueError as error:
                reasons.append(str(error))
                return None

        number = value("number", self._identifiers["number"].read)
        if number is None and not reasons:
            reasons.append("The invoice number is missing.")
        currency = value("currency", lambda cell: read_currency(text_of(cell)))
        amount = value("amount", self._amount_in(currency))
        open_amount = value("open_amount", self._amount_in(currency))
        return FileInvoice(
            lines=(row.line,),
            number=number or "",
            customer_number=value("customer_number", self._identifiers["customer_number"].read)
            or "",
            customer_name=text_of(self._cell(row, "customer_name")),
            issued_on=value("issued_on", lambda cell: read_day(cell, self._orders["issued_on"])),
            due_on=value("due_on", lambda cell: read_day(cell, self._orders["due_on"])),
            amount=None if amount is None else amount.value,
            open_amount=None if open_amount is None else open_amount.value,
            currency=currency or self._currency_of((amount, open_amount), reasons.append),
            status=value("status", lambda cell: read_status(text_of(cell))),
            type=value("type", lambda cell: read_type(text_of(cell))),
            po_number=value("po_number", text_of),
            link=value("link", text_of),
            source_id=value("source_id", self._identifiers["source_id"].read),
            reasons=(*self._unseen(row), *reasons, *self._too_long(row)),
        )

    def _amount_in(self, currency: str | None) -> Callable[[Cell], ReadAmount]:
        def read(cell: Cell) -> ReadAmount:
            expected = currency or self._mapping.currency
            amount = read_amount(cell, self._sign, currency=expected)
            if currency and amount.currencies and currency not in amount.currencies:
                raise ValueError(f"{text_of(cell)} isn't in {currency}, the currency of its row.")
            return amount

        return read

    def _currency_of(
        self, read: Iterable[ReadAmount | None], refuse: Callable[[str], None]
    ) -> str | None:
        """Return the currency that the amounts of a row name, where no column has it."""
        named = [amount.currencies for amount in read if amount and amount.currencies]
        if not named:
            return None
        possible = frozenset.intersection(*named)
        if self._mapping.currency in possible:
            return self._mapping.currency
        if len(possible) == 1:
            return next(iter(possible))
        refuse("The amount's sign is used by several currencies. Choose the currency of the file.")
        return None

    def _cell(self, row: TableRow, name: str) -> Cell:
        place = self._places.get(name)
        return "" if place is None or place >= len(row.cells) else row.cells[place]

    def _unseen(self, row: TableRow) -> list[str]:
        return [
            f"The {LABELS[name]} contains a line break or another invisible character. Remove it."
            for name in self._places
            if has_unseen(text_of(self._cell(row, name)))
        ]

    def _too_long(self, row: TableRow) -> list[str]:
        return [
            f"{text[:20]}… is longer than {_LONGEST[name]} characters."
            for name in self._places
            if len(text := text_of(self._cell(row, name))) > _LONGEST[name]
        ]


def table_rows(table: FileTable, mapping: Mapping) -> list[TableRow]:
    """Return the rows below the heading, without those that repeat it on a next page."""
    heading, *rows = table.sheets[mapping.sheet].rows[mapping.heading :]
    return [row for row in rows if row.cells != heading.cells]
