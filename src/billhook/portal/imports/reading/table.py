"""A table that was read from a file: its sheets and rows, and the form in which it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a file; a request of Billhook's server may have 20 million."""
MAX_COLUMNS: Final = 200
HEAD_ROWS: Final = 50
"""Rows with titles and names above the others, which don't count towards the limit of rows."""
MAX_KEPT_BYTES: Final = 128 * 1024 * 1024
"""Bytes of a table as it is kept."""
KEPT_CHARACTERS: Final = 1000
"""Characters of a cell that are kept: no field of ours holds so many."""

Cell = str | Decimal | date
"""A text; or, from a spreadsheet, a number or a day that its program stored as such."""


class UnreadableFile(Exception):
    """The file can't be read at all. The message is a sentence for the person who chose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row: the number of the line on which it ends, and its cells."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet: the only one of a text file has no name. It holds no empty row."""

    name: str
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """Everything that was read from one file. Only sheets that hold something are listed."""

    sheets: tuple[Sheet, ...]


def pack_table(sheets: Iterable[tuple[str, Iterable[TableRow]]]) -> Iterator[bytes]:
    """Yield the lines of a table as it is kept: JSON, one line for each sheet and each row."""
    for name, rows in sheets:
        yield _json_line({"sheet": name})
        for row in rows:
            yield _json_line([row.line, [_packed(cell) for cell in row.cells]])


def unpack_table(packed: bytes) -> FileTable:
    """Return the table that :func:`pack_table` wrote.

    Raises:
        ValueError: for anything else; a spreadsheet's reader had a hostile file in its memory.
    """
    sheets: list[tuple[str, list[TableRow]]] = []
    for line in packed.splitlines():
        match json.loads(line):
            case {"sheet": str(name)}:
                sheets.append((name, []))
            case [int(number), list(cells)] if sheets and len(cells) <= MAX_COLUMNS:
                row = TableRow(line=number, cells=tuple(_unpacked(cell) for cell in cells))
                sheets[-1][1].append(row)
            case _:
                raise ValueError(number_of_lines(sheets))
    return FileTable(sheets=tuple(Sheet(name=name, rows=tuple(rows)) for name, rows in sheets))


def number_of_lines(sheets: Iterable[tuple[str, list[TableRow]]]) -> str:
    """Return the position in a kept table, for an error."""
    return f"after {sum(len(rows) + 1 for _, rows in sheets)} lines"


def text_of(cell: Cell) -> str:
    """Return *cell* as people read it: ``00123``, ``1240.5``, ``2025-12-31``."""
    match cell:
        case str():
            return cell
        case Decimal():
            return f"{cell:f}" if abs(cell) < _ALL_DIGITS else f"{cell:E}"
        case _:
            return cell.isoformat()


_ALL_DIGITS: Final = Decimal(10) ** 15
"""From here on a spreadsheet doesn't keep all digits of a number, and shows 2.5E+19."""


def _packed(cell: Cell) -> str | dict[str, str]:
    match cell:
        case str():
            return cell[:KEPT_CHARACTERS]
        case Decimal():
            return {"number": str(cell)}
        case _:
            return {"day": cell.isoformat()}


def _unpacked(cell: object) -> Cell:
    match cell:
        case str():
            return cell
        case {"number": str(number)}:
            return Decimal(number)
        case {"day": str(day)}:
            return date.fromisoformat(day)
        case _:
            raise ValueError("a cell")


def _json_line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
