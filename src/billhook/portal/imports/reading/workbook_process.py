"""The process that reads one untrusted spreadsheet: it limits itself, reads, and ends.

It is started as ``python -I -m billhook.portal.imports.reading.workbook_process`` with no
environment. A spreadsheet is a zip file of XML that can name a million times its own size, so all
of it is read here, where memory, seconds and system calls are limited.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NoReturn

import python_calamine

from billhook.engine.isolation.confinement import Fence, confine_this_process
from billhook.portal.documents.frames import read_exactly, read_head, write_head
from billhook.portal.imports.reading.shown_cells import Shown, ShownCells
from billhook.portal.imports.reading.table import (
    HEAD_ROWS,
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_KEPT_BYTES,
    Cell,
    TableRow,
    pack_table,
)

MAX_UNPACKED: Final = 256 * 1024 * 1024
"""Bytes of all parts of a spreadsheet, as its zip file lists them."""
MAX_SHEETS: Final = 20
_FENCE: Final = Fence(address_space=1024 * 1024 * 1024, cpu_seconds=15)
_SIGNIFICANT: Final = ".15g"
"""The digits of a number that a spreadsheet keeps; more are noise of binary fractions."""


class WorkbookProblem(StrEnum):
    """The reasons why a spreadsheet can't be read."""

    TOO_LARGE = "too-large"
    TOO_MANY_ROWS = "too-many-rows"
    TOO_MANY_COLUMNS = "too-many-columns"
    PROTECTED = "protected"
    DAMAGED = "damaged"


class _CannotRead(Exception):
    """The spreadsheet can't be read, for a reason that the server has a sentence for."""

    def __init__(self, problem: WorkbookProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def main() -> NoReturn:
    """Respond to the one request on standard input."""
    request, size = read_head(sys.stdin.buffer, max_body=MAX_BYTES)
    _load_everything()
    confine_this_process(_FENCE)
    content = read_exactly(sys.stdin.buffer, size)
    facts: dict[str, object] = {}
    packed = b""
    try:
        packed = _read(content, _whole(request["max_rows"]))
    except _CannotRead as refused:
        facts = {"refused": refused.problem}
    except MemoryError:
        facts = {"refused": WorkbookProblem.TOO_LARGE}
    write_head(sys.stdout.buffer, facts, len(packed))
    sys.stdout.buffer.write(packed)
    sys.stdout.buffer.flush()
    os._exit(0)


def _load_everything() -> None:
    """Load what is loaded when it is first needed: no file can be opened after confinement."""
    codecs.lookup("cp437")  # names inside a zip file
    json.dumps({"a": "b"})


def _read(content: bytes, max_rows: int) -> bytes:
    _check_sizes(content)
    packed = io.BytesIO()
    for line in pack_table(_sheets(content, max_rows)):
        packed.write(line)
        if packed.tell() > MAX_KEPT_BYTES:
            raise _CannotRead(WorkbookProblem.TOO_LARGE)
    return packed.getvalue()


def _check_sizes(content: bytes) -> None:
    if not content.startswith(b"PK"):
        return  # XLS, which isn't packed
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise _CannotRead(WorkbookProblem.DAMAGED) from None
    if sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise _CannotRead(WorkbookProblem.TOO_LARGE)


def _sheets(content: bytes, max_rows: int) -> Iterator[tuple[str, Iterator[TableRow]]]:
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(content))
        shown_cells = ShownCells(content)
        shown = [sheet.name for sheet in workbook.sheets_metadata if _is_shown(sheet)]
        for name in shown[:MAX_SHEETS]:
            yield (
                name,
                _rows(workbook.get_sheet_by_name(name), shown_cells.of_sheet(name), max_rows),
            )
    except python_calamine.PasswordError:
        raise _CannotRead(WorkbookProblem.PROTECTED) from None
    except (python_calamine.CalamineError, OSError, ValueError):
        raise _CannotRead(WorkbookProblem.DAMAGED) from None


def _is_shown(sheet: python_calamine.SheetMetadata) -> bool:
    return (
        sheet.visible is python_calamine.SheetVisibleEnum.Visible
        and sheet.typ is python_calamine.SheetTypeEnum.WorkSheet
    )


def _rows(sheet: python_calamine.CalamineSheet, shown: Shown, max_rows: int) -> Iterator[TableRow]:
    left_out = (sheet.start or (0, 0))[1]
    count = 0
    for line, values in enumerate(sheet.iter_rows(), 1):
        cells = _cells([shown.get((line - 1, left_out + n), v) for n, v in enumerate(values)])
        if not cells:
            continue
        if left_out + len(cells) > MAX_COLUMNS:
            raise _CannotRead(WorkbookProblem.TOO_MANY_COLUMNS)
        count += 1
        if count > max_rows + HEAD_ROWS:
            raise _CannotRead(WorkbookProblem.TOO_MANY_ROWS)
        yield TableRow(line=line, cells=("",) * left_out + cells)


def _cells(values: Sequence[object]) -> tuple[Cell, ...]:
    """Return the cells of a row up to the last that holds anything."""
    cells = [_cell(value) for value in values]
    while cells and cells[-1] == "":
        cells.pop()
    return tuple(cells)


def _cell(value: object) -> Cell:
    match value:
        case str():
            return value.strip()
        case bool():
            return str(value).upper()
        case int() | float():
            return Decimal(format(value, _SIGNIFICANT))
        case datetime():
            return value.date()
        case date():
            return value
        case _:
            return str(value)


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    raise TypeError


if __name__ == "__main__":
    main()
