"""A file that a person chose: recognised by its bytes, and read as a table."""

from __future__ import annotations

from billhook.portal.imports.reading.csv_text import HeadingTest, read_csv
from billhook.portal.imports.reading.table import (
    MAX_BYTES,
    MAX_KEPT_BYTES,
    FileTable,
    UnreadableFile,
    pack_table,
    unpack_table,
)
from billhook.portal.imports.reading.workbook import is_workbook, read_workbook

_MEGABYTES = MAX_BYTES // (1024 * 1024)


def read_file(content: bytes, *, is_heading: HeadingTest, max_rows: int, share: str = "") -> bytes:
    """Return the table in *content* in the form in which it is kept.

    *share* is the organisation for which it is read.

    Raises:
        UnreadableFile: if the file as a whole can't be used.
    """
    check_size(content)
    if is_workbook(content):
        packed = read_workbook(content, max_rows=max_rows, share=share)
    else:
        rows = read_csv(content, is_heading=is_heading, max_rows=max_rows)
        packed = b"".join(pack_table([("", rows)]))
    if len(packed) > MAX_KEPT_BYTES:
        raise UnreadableFile("The table is too large. Split it.")
    return packed


def check_size(content: bytes) -> None:
    """Raise :class:`UnreadableFile` if the file is too large."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {_MEGABYTES} MB. Split it.")


def open_table(packed: bytes) -> FileTable:
    """Return the table that is kept as *packed*.

    Raises:
        UnreadableFile: if it holds no row.
    """
    try:
        table = unpack_table(packed)
    except ValueError:
        raise UnreadableFile("The spreadsheet can't be read: it is damaged.") from None
    filled = tuple(sheet for sheet in table.sheets if sheet.rows)
    if not filled:
        raise UnreadableFile("The file is empty. One row must name the columns.")
    return FileTable(sheets=filled)
