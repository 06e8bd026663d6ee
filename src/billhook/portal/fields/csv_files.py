"""CSV files: read in the encodings and with the separators that are common, written for all.

A cell that a spreadsheet would take for a formula is written with an apostrophe in front (the
remedy that OWASP describes as CSV injection), and read without it.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ROWS: Final = 20_000
_MAX_CELL: Final = 1000
_MAX_COLUMNS: Final = 100
csv.field_size_limit(MAX_BYTES)  # else 128 KB, which looks like a wrong quotation mark
_SEPARATORS: Final = (",", ";", "\t")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class UnreadableFile(Exception):
    """The file can't be read at all. The message is a sentence for the person who chose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRow:
    """One row: the number of the line on which it ends, and its cells."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """A whole file: the names in its first row, and the rows below that hold anything."""

    header: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_table(content: bytes) -> CsvTable:
    """Return the table that *content* is, or raise :class:`UnreadableFile`."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile("The file is larger than 5 MB. Split it into smaller files.")
    text = _decode(content)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    rows: list[CsvRow] = []
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append(CsvRow(line=lines.line_num, cells=_clean(cells, lines.line_num)))
            if len(rows) > MAX_ROWS + 1:
                raise UnreadableFile(f"The file has more than {MAX_ROWS:,} rows. Split it.")
    except csv.Error:
        message = f"Line {lines.line_num} has a misplaced quotation mark. Fix it there."
        raise UnreadableFile(message) from None
    if not rows:
        raise UnreadableFile("The file is empty. Its first row names the columns.")
    return CsvTable(header=rows[0].cells, rows=tuple(rows[1:]))


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UnreadableFile(
        "This isn't a text file. Save the table as CSV (UTF-8) and choose that file."
    )


def _separator(text: str) -> str:
    """Return the character that is most frequent in the first row, outside quotation marks."""
    first_row = text.lstrip("\r\n").partition("\n")[0]
    outside = "".join(first_row.split('"')[::2])
    return max(_SEPARATORS, key=outside.count)


def _clean(cells: Sequence[str], line: int) -> tuple[str, ...]:
    if len(cells) > _MAX_COLUMNS:
        raise UnreadableFile(f"Line {line} has more than {_MAX_COLUMNS} columns.")
    if any(len(cell) > _MAX_CELL for cell in cells):
        raise UnreadableFile(
            f"Line {line} has a field of more than {_MAX_CELL:,} characters. Shorten it, or close "
            "its opening quotation mark."
        )
    return tuple(_without_guard(cell.strip()) for cell in cells)


def _without_guard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file that every spreadsheet opens, with no cell that it would compute."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def guarded(cell: str) -> str:
    """Return *cell* so that no spreadsheet takes it for a formula."""
    is_number = cell.lstrip("-").replace(".", "", 1).isdigit() and not cell.startswith("--")
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) and not is_number else cell
