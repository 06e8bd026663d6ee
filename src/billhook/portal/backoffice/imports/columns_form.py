"""The form on which a person says what the columns of a file mean: one row for each field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeVar

from django.http import QueryDict

from billhook.portal.imports.access import remembered_columns
from billhook.portal.imports.columns.fields import ImportField, ImportKind, fields_of
from billhook.portal.imports.columns.guess import guess_columns, missing_fields
from billhook.portal.imports.columns.mapping import (
    Mapping,
    OpenQuestions,
    RowsOfOne,
    SheetColumn,
    columns_of,
    mapping_from_json,
)
from billhook.portal.imports.models import FileImport
from billhook.portal.imports.reading.table import FileTable
from billhook.portal.imports.services import questions_of
from billhook.portal.imports.values.dates import DayOrder
from billhook.portal.imports.values.words import read_currency

_PREFIX: Final = "field-"
_WHOLE: Final = re.compile("[0-9]{1,8}")
_Choice = TypeVar("_Choice", bound=StrEnum)
_SIGNS: Final = frozenset(",.")


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """One row: a field, the column that fills it, and the problem with it."""

    field: ImportField
    place: int | None
    samples: tuple[str, ...]
    problem: str
    has_rivals: bool
    """Whether several columns have a name that means it."""

    @property
    def name(self) -> str:
        """The name of its control."""
        return f"{_PREFIX}{self.field.name}"


class ColumnsForm:
    """The form for one import: with the columns that are stored, or those that were sent."""

    def __init__(
        self, file_import: FileImport, table: FileTable, posted: QueryDict | None = None
    ) -> None:
        self.kind = ImportKind(file_import.kind)
        self.table = table
        self._organisation = file_import.organisation
        stored = mapping_from_json(file_import.mapping)
        self.typed_currency = stored.currency
        self.is_sent = posted is not None
        self.mapping = stored if posted is None else self._read(posted, stored)
        self.asks_for_other_rows = (self.mapping.sheet, self.mapping.heading) != (
            stored.sheet,
            stored.heading,
        )

    def _read(self, posted: QueryDict, stored: Mapping) -> Mapping:
        places = {
            field.name: place
            for field in fields_of(self.kind)
            if (place := _whole(posted.get(f"{_PREFIX}{field.name}", ""))) is not None
        }
        self.typed_currency = posted.get("currency", "").strip()
        sheet = _within(_whole(posted.get("sheet", "")), len(self.table.sheets), stored.sheet)
        return replace(
            stored,
            sheet=sheet,
            heading=self._heading(posted.get("heading", ""), sheet, stored),
            places=places,
            order=_one_of(DayOrder, posted.get("order", "")),
            sign=posted.get("sign") if posted.get("sign") in _SIGNS else None,
            rows_of_one=_one_of(RowsOfOne, posted.get("rows_of_one", "")),
            currency=self.typed_currency.upper() if not self.currency_problem else "",
        )

    def _heading(self, typed: str, sheet: int, stored: Mapping) -> int:
        """Return the row with the names: the one at or below the line that was typed."""
        if sheet != stored.sheet:
            return -1
        line = _whole(typed)
        lines = [row.line for row in self.table.sheets[sheet].rows]
        found = (place for place, each in enumerate(lines) if line is not None and each >= line)
        return next(found, stored.heading)

    @cached_property
    def columns(self) -> tuple[SheetColumn, ...]:
        """The columns of the file."""
        return columns_of(self.table, self.mapping)

    @cached_property
    def questions(self) -> OpenQuestions:
        """The questions that the cells leave open."""
        return questions_of(self._organisation, self.kind, self.table, self.mapping)

    @property
    def heading_line(self) -> int:
        """The line of the file that names the columns."""
        return self.table.sheets[self.mapping.sheet].rows[self.mapping.heading].line

    @property
    def sheets(self) -> list[tuple[int, str]]:
        """The sheets to choose from; empty if there is only one."""
        sheets = [(place, sheet.name) for place, sheet in enumerate(self.table.sheets)]
        return sheets if len(sheets) > 1 else []

    @cached_property
    def rows(self) -> list[FieldRow]:
        """A row for each field."""
        samples = {column.place: column.samples for column in self.columns}
        missing = missing_fields(self.mapping, self.kind) if self.is_sent else ()
        return [
            FieldRow(
                field=field,
                place=self.mapping.places.get(field.name),
                samples=samples.get(self.mapping.places.get(field.name, -1), ()),
                problem="Choose the column with it." if field in missing else "",
                has_rivals=field in self._rivals,
            )
            for field in fields_of(self.kind)
        ]

    @cached_property
    def _rivals(self) -> tuple[ImportField, ...]:
        """The fields that several columns could fill."""
        mapping = self.mapping
        remembered = remembered_columns(self._organisation, self.kind)
        guess = guess_columns(
            self.table, self.kind, remembered, sheet=mapping.sheet, heading=mapping.heading
        )
        return guess.twice

    @cached_property
    def currency_problem(self) -> str:
        """The problem with the currency that was typed."""
        try:
            read_currency(self.typed_currency or "EUR")
        except ValueError as error:
            return str(error)
        return ""

    @property
    def asks_for_currency(self) -> bool:
        """Whether rows may need a currency that no column has."""
        return self.kind is ImportKind.INVOICES and "currency" not in self.mapping.places

    @property
    def is_complete(self) -> bool:
        """Whether a preview can be made."""
        has_problem = any(row.problem for row in self.rows) or self.currency_problem
        return not has_problem and self.questions.are_settled(self.mapping)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """The controls with a problem, each with a sentence."""
        if not self.is_sent:
            return []
        found = [
            (row.name, f"{row.field.label}: {row.problem}") for row in self.rows if row.problem
        ]
        return [*found, *((name, text) for name, text in self._open() if text)]

    def _open(self) -> Iterable[tuple[str, str]]:
        questions, mapping = self.questions, self.mapping
        yield "currency", self.currency_problem
        if questions.order and not mapping.order:
            yield "order", "Choose the order of day and month."
        if questions.sign and not mapping.sign:
            yield "sign", "Choose how amounts are written."
        if questions.rows_of_one and not mapping.rows_of_one:
            yield "rows_of_one", "Choose what several rows of one invoice mean."
        if questions.currency and not mapping.currency and not self.currency_problem:
            yield "currency", "Write the currency of the amounts, such as EUR."


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _within(number: int | None, count: int, otherwise: int) -> int:
    return number if number is not None and number < count else otherwise


def _one_of(kind: type[_Choice], text: str) -> _Choice | None:
    return kind(text) if text in set(kind) else None
