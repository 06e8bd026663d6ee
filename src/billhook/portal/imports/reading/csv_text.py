"""Text files with a separator between the cells, in the encodings that are common."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from billhook.portal.fields.csv_files import without_guard
from billhook.portal.imports.reading.table import HEAD_ROWS, MAX_COLUMNS, TableRow, UnreadableFile

_SEPARATORS: Final = (";", ",", "\t", "|")
_SAMPLE_LINES: Final = 60
_MAX_CELL: Final = 32_767
"""Characters of a cell in Excel. A longer one usually has a quotation mark that never closes."""
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?[;,\t|]*\r?(?:\n|$)', re.IGNORECASE)
"""The first line with which a file names its separator to Excel."""
_PROTECTED: Final = re.compile(r'="(.*)"', re.DOTALL)
"""A text that a program protected from Excel as a formula: ``="00123"``."""
csv.field_size_limit(64 * 1024 * 1024)  # a field that is too long is reported with its line

HeadingTest = Callable[[str], bool]


def read_csv(content: bytes, *, is_heading: HeadingTest, max_rows: int) -> Iterator[TableRow]:
    """Yield the rows of *content* that hold anything.

    *is_heading* recognises the name of a column: the separator that makes most of them is chosen.

    Raises:
        UnreadableFile: if it isn't such a file, at the first row that can't be read.
    """
    text = _decode(content)
    named = _SEPARATOR_LINE.match(text)
    separator = named[1] if named else _separator(text, is_heading)
    skipped = 1 if named else 0
    text = text[named.end() :] if named else text
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    count = 0
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                count += 1
                if count > max_rows + HEAD_ROWS:
                    raise UnreadableFile(f"The file has more than {max_rows:,} rows. Split it.")
                line = lines.line_num + skipped
                yield TableRow(line=line, cells=_cells(cells, line))
    except csv.Error:
        line = lines.line_num + skipped
        message = f"Line {line} has a misplaced quotation mark. Fix it there."
        raise UnreadableFile(message) from None


def clean_text(text: str) -> str:
    """Return the text of a cell without spaces around it and what protects it from Excel."""
    text = text.strip()
    if protected := _PROTECTED.fullmatch(text):
        return protected[1].replace('""', '"').strip()
    return without_guard(text)


def _decode(content: bytes) -> str:
    encoding = "cp1252"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content[1:2] == b"\0" or content[:1] == b"\0":
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    elif _is_utf_8(content):
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnreadableFile(
            "This is neither a spreadsheet (XLSX, XLS or ODS) nor a text file. Save the table as "
            "one of them, or as CSV (UTF-8), and choose that file."
        )
    return text


def _is_utf_8(content: bytes) -> bool:
    """Return whether *content* is UTF-8; refuse a file that is, except for a few bytes."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        read = content.decode(errors="replace")
        invalid = read.count("\ufffd")
        if sum(character > "\x7f" for character in read) - invalid > invalid:
            line = content.count(b"\n", 0, error.start) + 1
            raise UnreadableFile(
                f"The file is UTF-8, except for line {line}, which has characters of another "
                "encoding. Save the whole file as UTF-8."
            ) from None
        return False
    return True


def _separator(text: str, is_heading: HeadingTest) -> str:
    """Return the separator that makes most known names of columns, else the most even table."""
    sample = text[: 64 * 1024]
    return max(_SEPARATORS, key=lambda separator: _fitness(sample, separator, is_heading))


def _fitness(sample: str, separator: str, is_heading: HeadingTest) -> tuple[int, int]:
    rows: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=separator):
            rows.append(cells)
            if len(rows) == _SAMPLE_LINES:
                break
    except csv.Error:
        return 0, 0
    known = max((sum(map(is_heading, cells)) for cells in rows), default=0)
    width, even = max(
        Counter(len(cells) for cells in rows).items(),
        key=lambda item: (item[0] - 1) * item[1],
        default=(1, 0),
    )
    return known, (width - 1) * even


def _cells(cells: Sequence[str], line: int) -> tuple[str, ...]:
    if len(cells) > MAX_COLUMNS:
        raise UnreadableFile(f"Line {line} has more than {MAX_COLUMNS} columns.")
    if any(len(cell) > _MAX_CELL for cell in cells):
        raise UnreadableFile(
            f"Line {line} has a field of more than {_MAX_CELL:,} characters. Shorten it, or close "
            "its opening quotation mark."
        )
    return tuple(clean_text(cell) for cell in cells)
