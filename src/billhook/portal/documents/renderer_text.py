"""The text of a PDF's pages with the place of each line, for the renderer process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from ctypes import byref, c_int
from dataclasses import dataclass
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

from billhook.portal.documents.limits import MAX_CHARACTERS, TEXT_SCALE

_LINE_ENDS: Final = frozenset({0x0A, 0x0D})
_HYPHENS: Final = frozenset({0x02, 0xFFFE})
"""Characters that PDFium puts where a word is divided at the end of a line."""
_GAP: Final = 1.5
"""Heights of a line between two columns of a table: text on both sides isn't one line."""

Line = tuple[int, int, int, int, str]
"""Left, top, width and height in parts of ``TEXT_SCALE`` of the page, and the text."""


@dataclass(slots=True)
class _TextRun:
    """Characters that follow each other in one line, and the box around them, in points."""

    codes: list[int]
    left: float = 0
    bottom: float = 0
    right: float = 0
    top: float = 0

    @property
    def has_box(self) -> bool:
        return self.right > self.left and self.top > self.bottom

    def is_far(self, box: pdfium.FS_RECTF) -> bool:
        gap = max(box.left - self.right, self.left - box.right)
        return self.has_box and gap > _GAP * (self.top - self.bottom)

    def add(self, box: pdfium.FS_RECTF) -> None:
        if not self.has_box:
            self.left, self.bottom, self.right, self.top = box.left, box.bottom, box.right, box.top
            return
        self.left, self.right = min(self.left, box.left), max(self.right, box.right)
        self.bottom, self.top = min(self.bottom, box.bottom), max(self.top, box.top)


def text_of_pages(document: pypdfium2.PdfDocument, *, pages: int) -> bytes:
    """Return the lines of the first *pages* pages as JSON: a list for each page.

    A page without readable text has an empty list, as all have beyond ``MAX_CHARACTERS``.
    """
    room, found = MAX_CHARACTERS, []
    for index in range(min(pages, len(document))):
        lines = _lines_of(document, index, room)
        room -= sum(len(line[-1]) for line in lines)
        found.append(lines)
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")


def _lines_of(document: pypdfium2.PdfDocument, index: int, room: int) -> list[Line]:
    try:
        page = document[index]
        runs = _runs(page.get_textpage(), room)
        return [line for run in runs if (line := _line(page, run)) is not None]
    except pypdfium2.PdfiumError:
        return []


def _runs(text: pypdfium2.PdfTextPage, room: int) -> Iterator[_TextRun]:
    """Give the runs of a page in PDFium's reading order."""
    run, box = _TextRun([]), pdfium.FS_RECTF()
    for index in range(min(text.count_chars(), room)):
        code = pdfium.FPDFText_GetUnicode(text, index)
        if code in _LINE_ENDS:
            yield run
            run = _TextRun([])
            continue
        # A space between two words that the document only moved apart has no box.
        has_box = pdfium.FPDFText_GetLooseCharBox(text, index, box) and box.right > box.left
        if has_box and run.is_far(box):
            yield run
            run = _TextRun([])
        if has_box:
            run.add(box)
        run.codes.append(ord("-") if code in _HYPHENS else code)
    yield run


def _line(page: pypdfium2.PdfPage, run: _TextRun) -> Line | None:
    shown = _text(run.codes).strip()
    if not shown or not run.has_box:
        return None
    corners = _on_page(page, run.left, run.top), _on_page(page, run.right, run.bottom)
    (left, right), (top, bottom) = (sorted(ends) for ends in zip(*corners, strict=True))
    return left, top, right - left, bottom - top, shown


def _text(codes: list[int]) -> str:
    """Return the text of UTF-16 code units, without what can't be seen."""
    halves = "".join(chr(code) for code in codes if code <= sys.maxunicode)
    whole = halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(sign for sign in whole if sign.isprintable())


def _on_page(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[int, int]:
    """Return where a point is on the page as it is shown: cropped and turned."""
    across, down = c_int(), c_int()
    square = (0, 0, TEXT_SCALE, TEXT_SCALE, 0)
    pdfium.FPDF_PageToDevice(page, *square, x, y, byref(across), byref(down))
    return _within(across.value), _within(down.value)


def _within(place: int) -> int:
    return max(0, min(TEXT_SCALE, place))
