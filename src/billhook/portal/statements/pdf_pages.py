"""Pages of a PDF: text and tables that go on over pages, with a heading and a number on each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from reportlab.lib import units
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from billhook.portal.invoices.pdf_text import (
    BOLD,
    REGULAR,
    UNKNOWN,
    drawable,
    has_all_of,
    lines_of,
    register_fonts,
)

_mm: Final = float(units.mm)
_WIDTH, _HEIGHT = (float(length) for length in A4)
_LEFT: Final = 18 * _mm
_RIGHT: Final = _WIDTH - _LEFT
_TOP: Final = _HEIGHT - 18 * _mm
_BOTTOM: Final = 20 * _mm
_SIZE: Final = 8.0
_LINE: Final = 4.9 * _mm
_INK, _SOFT, _RULE = (HexColor(number) for number in (0x1D2A26, 0x55615B, 0xC9D2CD))
_MISSING: Final = (
    f"Where {UNKNOWN} is in place of a character, the font of this PDF doesn't have it. "
    "The page and the CSV file of the statement do."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfColumn:
    """A column of a table: its heading and place, in millimetres from the left edge of the text."""

    heading: str
    left: float
    width: float
    is_number: bool = False


class PdfPages:
    """A PDF while it is written, from the top of its first page on."""

    def __init__(self, *, title: str, author: str, footer: str) -> None:
        register_fonts()
        self._written = BytesIO()
        self._canvas = Canvas(self._written, pagesize=A4, invariant=True, lang="en")
        self._canvas.setTitle(drawable(title))
        self._canvas.setAuthor(drawable(author))
        self._footer = _in_one_line(footer, 7.5, _RIGHT - _LEFT - 30 * _mm)
        self._is_whole = has_all_of(title + author)
        self._top = _TOP
        self._number = 1

    def write(
        self, text: str, *, size: float, is_bold: bool = False, is_soft: bool = False
    ) -> None:
        """Write *text* in as many lines as it needs."""
        font = BOLD if is_bold else REGULAR
        self._note(text)
        for line in lines_of(text, font, size, _RIGHT - _LEFT):
            self._make_room(1.45 * size)
            self._canvas.setFont(font, size)
            self._canvas.setFillColor(_SOFT if is_soft else _INK)
            self._top -= 1.45 * size
            self._canvas.drawString(_LEFT, self._top, line)

    def leave(self, millimetres: float, *, unless_less_than: float = 0) -> None:
        """Leave some room; go to the next page if less than that would be left below."""
        self._top -= millimetres * _mm
        if unless_less_than:
            self._make_room(unless_less_than * _mm)

    def draw_table(
        self,
        columns: Sequence[PdfColumn],
        rows: Iterable[Sequence[str]],
    ) -> None:
        """Draw *rows*, with the headings again on each page.

        A long text has several lines; a long number gets smaller letters.
        """
        self._draw_headings(columns)
        for row in rows:
            self._note("".join(row))
            self._draw_row(columns, row, font=REGULAR)

    def finish(self) -> bytes:
        """Return the PDF."""
        if not self._is_whole:
            self.leave(4)
            self.write(_MISSING, size=8, is_soft=True)
        self._end_page()
        self._canvas.save()
        return self._written.getvalue()

    def _draw_headings(self, columns: Sequence[PdfColumn]) -> None:
        self._make_room(3 * _LINE)
        self._canvas.setFillColor(_SOFT)
        self._draw_row(columns, [column.heading for column in columns], font=BOLD)
        self._canvas.setFillColor(_INK)

    def _draw_row(self, columns: Sequence[PdfColumn], row: Sequence[str], *, font: str) -> None:
        canvas = self._canvas
        cells = [_lines_in(column, cell, font) for column, cell in zip(columns, row, strict=True)]
        height = max(map(len, cells)) * _LINE
        if self._top - height < _BOTTOM:
            self._next_page()
            if font == REGULAR:
                self._draw_headings(columns)
        for column, lines in zip(columns, cells, strict=True):
            left, width = _LEFT + column.left * _mm, column.width * _mm
            for number, line in enumerate(lines, start=1):
                top = self._top - number * _LINE
                if column.is_number:
                    canvas.setFont(font, _fitting(line, font, width))
                    canvas.drawRightString(left + width, top, line)
                else:
                    canvas.setFont(font, _SIZE)
                    canvas.drawString(left, top, line)
        self._top -= height
        canvas.setStrokeColor(_RULE)
        canvas.line(_LEFT, self._top - 1.5 * _mm, _RIGHT, self._top - 1.5 * _mm)

    def _note(self, text: str) -> None:
        self._is_whole = self._is_whole and has_all_of(text)

    def _make_room(self, height: float) -> None:
        if self._top - height < _BOTTOM:
            self._next_page()

    def _next_page(self) -> None:
        self._end_page()
        self._number += 1
        self._top = _TOP
        self._canvas.setFillColor(_INK)

    def _end_page(self) -> None:
        canvas = self._canvas
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_LEFT, 12 * _mm, self._footer)
        canvas.drawRightString(_RIGHT, 12 * _mm, f"Page {self._number}")
        canvas.showPage()


def _in_one_line(text: str, size: float, width: float) -> str:
    """Return the beginning of *text* that fits, with an ellipsis where it is cut."""
    whole = shown = drawable(text)
    while stringWidth(shown, REGULAR, size) > width:
        whole = whole[:-1]
        shown = f"{whole.rstrip()}…"
    return shown


def _lines_in(column: PdfColumn, cell: str, font: str) -> list[str]:
    """Return the lines of a cell."""
    text, width = drawable(cell), column.width * _mm
    if column.is_number or len(text) * _SIZE <= width or _width(text, font) <= width:
        return [text]  # no letter is wider than it is high: most cells need no measuring
    return lines_of(text, font, _SIZE, width) or [""]


def _width(text: str, font: str) -> float:
    return float(stringWidth(text, font, _SIZE))


def _fitting(text: str, font: str, width: float) -> float:
    """Return the size of the letters in which a number fits: the usual one, or a smaller one."""
    needed = _width(text, font)
    return _SIZE if needed <= width else _SIZE * width / needed
