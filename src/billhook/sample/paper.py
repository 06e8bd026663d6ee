"""Sheets of the company's paper: letterhead, addressee, foot, and the pen that writes on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from reportlab.lib import units
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from billhook.sample.brand import ADDRESS, CONTACT, NAME, REGISTER, TAGLINE, draw_mark
from billhook.sample.ledger import SampleCustomer

mm: Final = float(units.mm)
WIDTH, HEIGHT = (float(length) for length in A4)
LEFT: Final = 20 * mm
RIGHT: Final = WIDTH - 20 * mm

INK: Final = HexColor(0x1D2A26)
SOFT: Final = HexColor(0x66736E)
HAIR: Final = HexColor(0xD9E0DC)
TINT: Final = HexColor(0xF1F5F2)
GREEN: Final = HexColor(0x1F5C4A)
AMBER: Final = HexColor(0x9A5B00)

REGULAR: Final = "Helvetica"
BOLD: Final = "Helvetica-Bold"
HEAD: Final = 8 * mm
"""The height of a table's head."""
_WHITE: Final = HexColor(0xFFFFFF)
_SIGNS: Final = {"EUR": "€", "GBP": "£"}


def new_canvas(buffer: BytesIO, *, title: str, subject: str) -> Any:
    """Return a canvas that writes a PDF into *buffer*: the same bytes each time."""
    canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=1, lang="en-IE")
    canvas.setTitle(title)
    canvas.setAuthor(NAME)
    canvas.setSubject(subject)
    canvas.setCreator("Sample billing system")
    return canvas


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """A column of a table: its title, and where it begins or, *right*, where it ends."""

    title: str
    x: float
    right: bool = False


class PaperSheet:
    """One sheet of the company's paper. Each ``draw_`` method draws one part."""

    def __init__(self, canvas: Any, *, page: int, pages: int) -> None:
        self.canvas = canvas
        self._page = page
        self._pages = pages

    def draw_letterhead(self, title: str) -> None:
        """Draw the company's name and mark, and what the document is."""
        y = HEIGHT - 34 * mm
        draw_mark(self.canvas, LEFT, y - 2 * mm, 17 * mm)
        self.text(LEFT + 22 * mm, y + 7 * mm, NAME, font=BOLD, size=17)
        self.text(LEFT + 22 * mm, y + 1.2 * mm, TAGLINE, color=SOFT, size=9)
        self.text(RIGHT, y + 5.4 * mm, title, size=26, color=GREEN, right=True)

    def draw_addressee(self, customer: SampleCustomer) -> None:
        """Draw the customer's name and address, as they appear in the window of an envelope."""
        y = HEIGHT - 58 * mm
        self.text(LEFT, y, f"{NAME} · {ADDRESS[0]} · {ADDRESS[1]}", size=7, color=SOFT)
        y -= 6.5 * mm
        self.text(LEFT, y, customer.name, font=BOLD, size=11)
        for line in customer.address:
            y -= 5 * mm
            self.text(LEFT, y, line, size=10)
        self.text(LEFT, y - 6.5 * mm, f"VAT {customer.vat_number}", size=8.5, color=SOFT)

    def draw_short_head(self, name: str, title: str, day: str) -> None:
        """Draw the head of a later page."""
        y = HEIGHT - 30 * mm
        draw_mark(self.canvas, LEFT, y - 2 * mm, 11 * mm)
        self.text(LEFT + 15 * mm, y + 3 * mm, NAME, font=BOLD, size=11)
        self.text(LEFT + 15 * mm, y - 1.5 * mm, name, color=SOFT)
        self.text(RIGHT, y + 3 * mm, title, font=BOLD, size=11, right=True)
        self.text(RIGHT, y - 1.5 * mm, day, color=SOFT, right=True)

    def draw_foot(self) -> None:
        """Draw the company's particulars and the page number."""
        self.rule(27 * mm)
        for x, lines in (
            (LEFT, (NAME, *ADDRESS)),
            (LEFT + 62 * mm, REGISTER),
            (LEFT + 124 * mm, CONTACT),
        ):
            y = 22 * mm
            for index, line in enumerate(lines):
                self.text(x, y, line, font=REGULAR if index else BOLD, size=7.5, color=SOFT)
                y -= 3.8 * mm
        words = f"Page {self._page} of {self._pages}"
        self.text(RIGHT, 10.6 * mm, words, size=7.5, color=SOFT, right=True)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        font: str = REGULAR,
        size: float = 9,
        color: Color = INK,
        right: bool = False,
    ) -> None:
        """Write *words* from *x*, or up to it."""
        self.canvas.setFont(font, size)
        self.canvas.setFillColor(color)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x, y, words)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """Fill a rounded box with a light tint."""
        self.canvas.setFillColor(TINT)
        self.canvas.roundRect(x, y, width, height, 2 * mm, stroke=0, fill=1)

    def rule(self, y: float) -> None:
        """Draw a thin line from margin to margin."""
        self.canvas.setStrokeColor(HAIR)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(LEFT, y, RIGHT, y)

    def draw_columns(self, columns: Sequence[PaperColumn], y: float) -> float:
        """Draw the head of a table, and return where its rows begin."""
        self.canvas.setFillColor(GREEN)
        self.canvas.roundRect(LEFT, y - HEAD, RIGHT - LEFT, HEAD, 1.2 * mm, stroke=0, fill=1)
        base = y - 5.3 * mm
        for column in columns:
            self.text(
                column.x,
                base,
                column.title,
                font=BOLD,
                size=8.5,
                color=_WHITE,
                right=column.right,
            )
        return y - HEAD

    def draw_facts(self, facts: Sequence[tuple[str, str]], y: float) -> None:
        """Draw names and values below each other in the box on the right of the head."""
        for name, value in facts:
            self.text(RIGHT - 67 * mm, y, name, color=SOFT)
            self.text(RIGHT - 5 * mm, y, value, font=BOLD, right=True)
            y -= 7.4 * mm

    def draw_payment(self, details: Sequence[tuple[str, str]], y: float) -> float:
        """Draw how to pay, line by line, and return where it ends."""
        for name, value in details:
            self.text(LEFT, y, name, size=8.5, color=SOFT)
            self.text(LEFT + 20 * mm, y, value, size=8.5)
            y -= 5 * mm
        return y


def day_text(day: date) -> str:
    """Return a day as it is written in documents: 31 March 2026."""
    return f"{day.day} {day:%B %Y}"


def number_text(amount: Decimal) -> str:
    """Return an amount with two decimals and commas."""
    return f"{amount:,.2f}"


def money_text(amount: Decimal, currency: str) -> str:
    """Return an amount with the sign of its currency."""
    return f"{'–' if amount < 0 else ''}{_SIGNS[currency]} {number_text(abs(amount))}"
