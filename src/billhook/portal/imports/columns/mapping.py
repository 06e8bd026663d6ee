"""The meaning of a file's columns: guessed first, then as a person chose it."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from billhook.portal.imports.reading.table import FileTable, Sheet, text_of
from billhook.portal.imports.values.dates import DayOrder


class RowsOfOne(StrEnum):
    """The meaning of amounts where several rows have one invoice number."""

    ADD = "add"
    """Each row has the amount of an item: they are added up."""
    REPEAT = "repeat"
    """Each row repeats the amount of the invoice."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """The columns of a file by our fields, and the responses to what its cells leave open."""

    sheet: int = 0
    heading: int = 0
    """The row with the names of the columns, counted from 0 among those that hold anything."""
    places: MappingOf[str, int] = field(default_factory=dict)
    order: DayOrder | None = None
    sign: str | None = None
    rows_of_one: RowsOfOne | None = None
    currency: str = ""
    """The currency of rows that name none."""

    def as_json(self) -> dict[str, Any]:
        """Return the mapping as it is stored."""
        return {
            "sheet": self.sheet,
            "heading": self.heading,
            "places": dict(self.places),
            "order": self.order,
            "sign": self.sign,
            "rows_of_one": self.rows_of_one,
            "currency": self.currency,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestions:
    """The questions that the cells of a file leave open; for days and amounts, an example."""

    order: str = ""
    sign: str = ""
    rows_of_one: bool = False
    currency: bool = False

    def are_settled(self, mapping: Mapping) -> bool:
        """Return whether *mapping* has a response to each."""
        return (
            bool(mapping.order or not self.order)
            and bool(mapping.sign or not self.sign)
            and bool(mapping.rows_of_one or not self.rows_of_one)
            and bool(mapping.currency or not self.currency)
        )


def mapping_from_json(stored: dict[str, Any]) -> Mapping:
    """Return the mapping that was stored."""
    order, rows_of_one = stored["order"], stored["rows_of_one"]
    return Mapping(
        sheet=stored["sheet"],
        heading=stored["heading"],
        places=stored["places"],
        order=DayOrder(order) if order else None,
        sign=stored["sign"],
        rows_of_one=RowsOfOne(rows_of_one) if rows_of_one else None,
        currency=stored["currency"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetColumn:
    """One column of a file, and the first cells in it."""

    place: int
    name: str
    samples: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name, or the letter that a spreadsheet shows above the column."""
        return self.name or f"Column {column_letters(self.place)}"


_SAMPLES = 3
_SAMPLE_ROWS = 50


def columns_of(table: FileTable, mapping: Mapping) -> tuple[SheetColumn, ...]:
    """Return the columns of the chosen sheet, with the names in its heading."""
    sheet = table.sheets[mapping.sheet]
    shown = sheet.rows[mapping.heading + 1 :][:_SAMPLE_ROWS]
    width = max((len(row.cells) for row in sheet.rows[mapping.heading :][:_SAMPLE_ROWS]), default=0)
    names = heading_names(sheet, mapping.heading)
    columns = []
    for place in range(width):
        cells = (text_of(row.cells[place]) for row in shown if place < len(row.cells))
        samples = tuple(dict.fromkeys(cell for cell in cells if cell))[:_SAMPLES]
        name = names[place] if place < len(names) else ""
        if name or samples:
            columns.append(SheetColumn(place=place, name=name, samples=samples))
    return tuple(columns)


def heading_names(sheet: Sheet, heading: int) -> tuple[str, ...]:
    """Return the names of the columns, each on one line."""
    return tuple(" ".join(text_of(cell).split()) for cell in sheet.rows[heading].cells)


def column_letters(place: int) -> str:
    """Return the letters of a column, counted from 0: ``A``, ``Z``, ``AA``."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
