"""Looks at a PDF more closely: where it begins and ends in other bytes, and if it has pages."""

from __future__ import annotations

import re
from typing import Final

from billhook.engine.answer.formats.pdf_catalogue import catalogue_of

HEADER_WINDOW: Final = 1024
"""A PDF may begin so many bytes after the first one, as in most readers (ISO 32000-1, annex H)."""
MOST_BEHIND: Final = 1_000_000
"""So many bytes of something else may follow the end of a PDF."""

_HEADER: Final = b"%PDF-"
_END: Final = b"%%EOF"
_LINE_ENDS: Final = re.compile(rb"[ \t\r\n]{0,16}")
_OBJECT: Final = re.compile(rb"\d\s{1,4}obj\b")
_TABLE_OFFSET: Final = re.compile(rb"startxref\s{1,20}(\d{1,12})\s{1,20}\Z")
_TABLE: Final = re.compile(rb"\s{0,20}(?:xref\b|\d{1,10}\s{1,9}\d{1,10}\s{1,9}obj\b)")
_NEEDS_RENDERING: Final = re.compile(rb"/NeedsRendering\s{1,9}true")


def pdf_in(data: bytes) -> bytes | None:
    """Return the one PDF in *data* without what precedes and follows it, or None if there is none.

    It must be whole: its end refers to its table of objects, which is there, and no object follows
    the end, as would in a PDF that was changed and then cut short. So every reader opens it.
    """
    start = data.find(_HEADER, 0, HEADER_WINDOW + len(_HEADER))
    mark = data.rfind(_END, max(0, len(data) - MOST_BEHIND))
    if start < 0 or mark < start:
        return None
    end = _LINE_ENDS.match(data, mark + len(_END)).end()  # type: ignore[union-attr]
    if _OBJECT.search(data, end) or not _table_is_there(data, start, mark):
        return None
    return data[start:end]


def _table_is_there(data: bytes, start: int, mark: int) -> bool:
    """Follow ``startxref`` (ISO 32000-1, 7.5.5): it counts from the header, or the first byte."""
    match = _TABLE_OFFSET.search(data[max(start, mark - 64) : mark])
    if match is None:
        return False
    offset = int(match[1])
    return any(_TABLE.match(data, at, mark) for at in (start + offset, offset) if at < mark)


def is_xfa_shell(data: bytes) -> bool:
    """Say whether a PDF holds only a form of Adobe's XFA, which nothing but its reader can draw.

    All other programs show its one page, "Please wait…". Its catalogue asks to be rendered
    (Adobe Supplement to ISO 32000-1, 8.4.1), or its form has XFA and its page those words.
    """
    catalogue = catalogue_of(data)
    if _NEEDS_RENDERING.search(catalogue):
        return True
    return b"/AcroForm" in catalogue and b"/XFA" in data and b"(Please wait" in data
