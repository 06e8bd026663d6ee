"""Draws an invoice as a PDF: the same bytes each time for the same invoice."""

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

from billhook.sample.brand import ADDRESS, BANK, CONTACT, NAME, REGISTER, TAGLINE, draw_mark
from billhook.sample.ledger import SampleInvoice, SampleLine

mm: Final = float(units.mm)
_WIDTH, _HEIGHT = (float(length) for length in A4)
_LEFT: Final = 20 * mm
_RIGHT: Final = _WIDTH - 20 * mm

_INK: Final = HexColor(0x1D2A26)
_SOFT: Final = HexColor(0x66736E)
_HAIR: Final = HexColor(0xD9E0DC)
_TINT: Final = HexColor(0xF1F5F2)
_GREEN: Final = HexColor(0x1F5C4A)
_AMBER: Final = HexColor(0x9A5B00)

_REGULAR: Final = "Helvetica"
_BOLD: Final = "Helvetica-Bold"

_FIRST_TOP: Final = _HEIGHT - 123 * mm
_NEXT_TOP: Final = _HEIGHT - 50 * mm
_FLOOR: Final = 34 * mm
_ROW: Final = 10.5 * mm
_HEAD: Final = 8 * mm
_CLOSING: Final = 62 * mm
"""Height of totals, payment and thanks together: they are never split."""

_SIGNS: Final = {"EUR": "€", "GBP": "£"}
_STAMPS: Final = {"paid": "PAID", "credited": "CREDITED", "draft": "DRAFT"}


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    x: float
    right: bool = False


_COLUMNS: Final = (
    _Column("Description", _LEFT + 10 * mm),
    _Column("Quantity", _LEFT + 103 * mm, right=True),
    _Column("Price", _LEFT + 130 * mm, right=True),
    _Column("VAT", _LEFT + 143 * mm, right=True),
    _Column("Amount", _RIGHT - 3 * mm, right=True),
)


def draw_invoice(invoice: SampleInvoice) -> bytes:
    """Draw *invoice* on as many A4 pages as it needs, and return the PDF."""
    pages = _paginate(invoice.lines)
    buffer = BytesIO()
    canvas = _canvas(buffer, invoice)
    carried = Decimal(0)
    for index, lines in enumerate(pages):
        paper = _Paper(canvas, invoice, page=index + 1, pages=len(pages))
        y = paper.draw_first_head() if index == 0 else paper.draw_next_head()
        y = paper.draw_table(lines, y, carried=carried if index else None)
        carried += sum((line.amount for line in lines), Decimal(0))
        if index == len(pages) - 1:
            paper.draw_closing(y)
        else:
            paper.draw_carried(y, carried)
        paper.draw_foot()
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _canvas(buffer: BytesIO, invoice: SampleInvoice) -> Any:
    canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=1, lang="en-IE")
    canvas.setTitle(f"Invoice {invoice.number}")
    canvas.setAuthor(NAME)
    canvas.setSubject(f"Invoice {invoice.number} for {invoice.customer.name}")
    canvas.setCreator("Sample billing system")
    return canvas


def _paginate(lines: Sequence[SampleLine]) -> list[Sequence[SampleLine]]:
    """Share the lines among the pages; the last page keeps room for the totals."""
    pages: list[Sequence[SampleLine]] = []
    rest = lines
    while True:
        top = _NEXT_TOP if pages else _FIRST_TOP
        room = top - _HEAD - _FLOOR - (_ROW if pages else 0)
        if len(rest) * _ROW <= room - _CLOSING:
            return [*pages, rest]
        # one line at least goes on, so that the totals are never alone on a page
        take = min(int((room - _ROW) // _ROW), len(rest) - 1)
        pages.append(rest[:take])
        rest = rest[take:]


class _Paper:
    """One page of an invoice. Each ``draw_`` method draws one part; those in a column return y."""

    def __init__(self, canvas: Any, invoice: SampleInvoice, *, page: int, pages: int) -> None:
        self._canvas = canvas
        self._invoice = invoice
        self._page = page
        self._pages = pages
        self._sign = _SIGNS[invoice.customer.currency]

    # -- the head ------------------------------------------------------------------------------

    def draw_first_head(self) -> float:
        """Draw the full head of page one: company, addressee and facts."""
        self._draw_letterhead()
        self._draw_addressee()
        self._draw_facts()
        return _FIRST_TOP

    def draw_next_head(self) -> float:
        """Draw the short head of a later page."""
        y = _HEIGHT - 30 * mm
        draw_mark(self._canvas, _LEFT, y - 2 * mm, 11 * mm)
        self._text(_LEFT + 15 * mm, y + 3 * mm, NAME, font=_BOLD, size=11)
        self._text(_LEFT + 15 * mm, y - 1.5 * mm, self._invoice.customer.name, color=_SOFT)
        title = f"Invoice {self._invoice.number}"
        self._text(_RIGHT, y + 3 * mm, title, font=_BOLD, size=11, right=True)
        self._text(_RIGHT, y - 1.5 * mm, _day(self._invoice.issued_on), color=_SOFT, right=True)
        return _NEXT_TOP

    def _draw_letterhead(self) -> None:
        y = _HEIGHT - 34 * mm
        draw_mark(self._canvas, _LEFT, y - 2 * mm, 17 * mm)
        self._text(_LEFT + 22 * mm, y + 7 * mm, NAME, font=_BOLD, size=17)
        self._text(_LEFT + 22 * mm, y + 1.2 * mm, TAGLINE, color=_SOFT, size=9)
        self._text(_RIGHT, y + 5.4 * mm, "SampleInvoice", size=26, color=_GREEN, right=True)

    def _draw_addressee(self) -> None:
        customer = self._invoice.customer
        y = _HEIGHT - 58 * mm
        self._text(_LEFT, y, f"{NAME} · {ADDRESS[0]} · {ADDRESS[1]}", size=7, color=_SOFT)
        y -= 6.5 * mm
        self._text(_LEFT, y, customer.name, font=_BOLD, size=11)
        for line in customer.address:
            y -= 5 * mm
            self._text(_LEFT, y, line, size=10)
        self._text(_LEFT, y - 6.5 * mm, f"VAT {customer.vat_number}", size=8.5, color=_SOFT)

    def _draw_facts(self) -> None:
        invoice = self._invoice
        facts = [
            ("Invoice number", invoice.number),
            ("Date", _day(invoice.issued_on)),
            ("Payable by", _day(invoice.due_on)),
            ("Customer number", invoice.customer.number),
            ("Your order", invoice.order or "—"),
        ]
        top = _HEIGHT - 53 * mm
        self._box(_RIGHT - 72 * mm, top - 43 * mm, 72 * mm, 43 * mm)
        y = top - 7 * mm
        for name, value in facts:
            self._text(_RIGHT - 67 * mm, y, name, color=_SOFT)
            self._text(_RIGHT - 5 * mm, y, value, font=_BOLD, right=True)
            y -= 7.4 * mm
        self._draw_stamp(_RIGHT, _HEIGHT - 110 * mm)
        self._text(_LEFT, _HEIGHT - 112 * mm, _opening(invoice), size=10)

    def _draw_stamp(self, right: float, y: float) -> None:
        words = _STAMPS.get(self._invoice.status)
        if words is None:
            return
        color = _AMBER if words == "DRAFT" else _GREEN
        width = self._canvas.stringWidth(words, _BOLD, 9) + 9 * mm
        self._canvas.setStrokeColor(color)
        self._canvas.setLineWidth(1.1)
        self._canvas.roundRect(right - width, y - 2.4 * mm, width, 7.4 * mm, 3.7 * mm)
        self._text(right - 4.5 * mm, y, words, font=_BOLD, size=9, color=color, right=True)

    # -- the lines -----------------------------------------------------------------------------

    def draw_table(
        self, lines: Sequence[SampleLine], y: float, *, carried: Decimal | None
    ) -> float:
        """Draw the head of the table, what was carried forward, and *lines*."""
        self._draw_columns(y)
        y -= _HEAD
        if carried is not None:
            y = self._draw_sum(y, "Brought forward", carried)
        first = self._invoice.lines.index(lines[0]) + 1
        for position, line in enumerate(lines, start=first):
            y = self._draw_line(y, position, line)
        return y

    def draw_carried(self, y: float, carried: Decimal) -> None:
        """Draw the sum so far at the end of a page that isn't the last."""
        self._draw_sum(y, "Carried forward", carried)

    def _draw_columns(self, y: float) -> None:
        self._canvas.setFillColor(_GREEN)
        self._canvas.roundRect(_LEFT, y - _HEAD, _RIGHT - _LEFT, _HEAD, 1.2 * mm, stroke=0, fill=1)
        white = HexColor(0xFFFFFF)
        base = y - 5.3 * mm
        self._text(_LEFT + 3 * mm, base, "#", font=_BOLD, size=8.5, color=white)
        for column in _COLUMNS:
            self._text(
                column.x, base, column.title, font=_BOLD, size=8.5, color=white, right=column.right
            )

    def _draw_line(self, y: float, position: int, line: SampleLine) -> float:
        base = y - 4.8 * mm
        self._text(_LEFT + 3 * mm, base, str(position), color=_SOFT)
        self._text(_COLUMNS[0].x, base, line.title, font=_BOLD)
        self._text(_COLUMNS[0].x, base - 4 * mm, line.detail, size=8, color=_SOFT)
        values = (
            line.measure,
            _number(line.price),
            f"{self._invoice.customer.vat_percent} %",
            _number(line.amount),
        )
        for column, value in zip(_COLUMNS[1:], values, strict=True):
            self._text(column.x, base, value, right=True)
        self._rule(y - _ROW)
        return y - _ROW

    def _draw_sum(self, y: float, name: str, amount: Decimal) -> float:
        base = y - 6.6 * mm
        self._text(_COLUMNS[0].x, base, name, color=_SOFT)
        self._text(_COLUMNS[-1].x, base, _number(amount), font=_BOLD, right=True)
        self._rule(y - _ROW)
        return y - _ROW

    # -- the end -------------------------------------------------------------------------------

    def draw_closing(self, y: float) -> None:
        """Draw totals, payment details, and thanks."""
        self._draw_payment(y - 8 * mm)
        y = self._draw_totals(y - 8 * mm)
        if self._invoice.customer.vat_percent == 0:
            note = "VAT reverse charge: the customer accounts for the tax."
            self._text(_RIGHT - 3 * mm, y - 6 * mm, note, size=8, color=_SOFT, right=True)

    def _draw_totals(self, y: float) -> float:
        invoice = self._invoice
        rows = [("Net", invoice.net), (f"VAT {invoice.customer.vat_percent} %", invoice.vat)]
        if invoice.paid:
            rows += [("Total", invoice.total), (_paid_words(invoice), -invoice.paid)]
        for name, amount in rows:
            self._text(_RIGHT - 69 * mm, y - 3 * mm, name, size=9.5, color=_SOFT)
            self._text(_RIGHT - 3 * mm, y - 3 * mm, self._money(amount), size=9.5, right=True)
            y -= 6.6 * mm
        self._box(_RIGHT - 72 * mm, y - 12 * mm, 72 * mm, 12.5 * mm)
        base = y - 7.6 * mm
        self._text(_RIGHT - 69 * mm, base, "To pay", font=_BOLD, size=12, color=_GREEN)
        due = self._money(invoice.due)
        self._text(_RIGHT - 3 * mm, base, due, font=_BOLD, size=14, color=_GREEN, right=True)
        return y - 12 * mm

    def _draw_payment(self, y: float) -> None:
        self._text(_LEFT, y - 3 * mm, "How to pay", font=_BOLD, size=10)
        base = y - 9.4 * mm
        for name, value in (*BANK, ("Reference", self._invoice.number)):
            self._text(_LEFT, base, name, size=8.5, color=_SOFT)
            self._text(_LEFT + 20 * mm, base, value, size=8.5)
            base -= 5 * mm
        base -= 3 * mm
        for line in _terms(self._invoice):
            self._text(_LEFT, base, line, size=8.5, color=_SOFT)
            base -= 4.4 * mm

    def draw_foot(self) -> None:
        """Draw the company's particulars and the page number."""
        self._rule(27 * mm)
        for x, lines in (
            (_LEFT, (NAME, *ADDRESS)),
            (_LEFT + 62 * mm, REGISTER),
            (_LEFT + 124 * mm, CONTACT),
        ):
            y = 22 * mm
            for index, line in enumerate(lines):
                self._text(x, y, line, font=_REGULAR if index else _BOLD, size=7.5, color=_SOFT)
                y -= 3.8 * mm
        words = f"Page {self._page} of {self._pages}"
        self._text(_RIGHT, 10.6 * mm, words, size=7.5, color=_SOFT, right=True)

    # -- the pen -------------------------------------------------------------------------------

    def _text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        font: str = _REGULAR,
        size: float = 9,
        color: Color = _INK,
        right: bool = False,
    ) -> None:
        self._canvas.setFont(font, size)
        self._canvas.setFillColor(color)
        draw = self._canvas.drawRightString if right else self._canvas.drawString
        draw(x, y, words)

    def _box(self, x: float, y: float, width: float, height: float) -> None:
        self._canvas.setFillColor(_TINT)
        self._canvas.roundRect(x, y, width, height, 2 * mm, stroke=0, fill=1)

    def _rule(self, y: float) -> None:
        self._canvas.setStrokeColor(_HAIR)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(_LEFT, y, _RIGHT, y)

    def _money(self, amount: Decimal) -> str:
        return f"{'–' if amount < 0 else ''}{self._sign} {_number(abs(amount))}"


def _opening(invoice: SampleInvoice) -> str:
    if invoice.status == "draft":
        return "This is a draft. Please don't pay it yet."
    return "Thank you for your business. We invoice the following services and goods."


def _terms(invoice: SampleInvoice) -> tuple[str, ...]:
    if invoice.status == "credited":
        return ("This invoice has been credited in full.", "There is nothing left to pay.")
    if invoice.status == "paid":
        return ("Paid in full, thank you.", "There is nothing left to pay.")
    days = (invoice.due_on - invoice.issued_on).days
    return (
        f"Payable within {days} days, by {_day(invoice.due_on)}, without deduction.",
        "Goods stay our property until they are paid for in full.",
    )


def _paid_words(invoice: SampleInvoice) -> str:
    return "Credited" if invoice.status == "credited" else "Paid so far"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _number(amount: Decimal) -> str:
    return f"{amount:,.2f}"
