"""Draws an invoice as a PDF: the same bytes each time for the same invoice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from billhook.sample.brand import BANK
from billhook.sample.ledger import SampleInvoice, SampleLine
from billhook.sample.paper import (
    AMBER,
    BOLD,
    GREEN,
    HEAD,
    HEIGHT,
    LEFT,
    RIGHT,
    SOFT,
    PaperColumn,
    PaperSheet,
    day_text,
    mm,
    money_text,
    new_canvas,
    number_text,
)

_FIRST_TOP: Final = HEIGHT - 123 * mm
_NEXT_TOP: Final = HEIGHT - 50 * mm
_FLOOR: Final = 34 * mm
_ROW: Final = 10.5 * mm
_CLOSING: Final = 62 * mm
"""Height of totals, payment and thanks together: they are never split."""

_STAMPS: Final = {"paid": "PAID", "credited": "CREDITED", "draft": "DRAFT"}


_COLUMNS: Final = (
    PaperColumn("#", LEFT + 3 * mm),
    PaperColumn("Description", LEFT + 10 * mm),
    PaperColumn("Quantity", LEFT + 103 * mm, right=True),
    PaperColumn("Price", LEFT + 130 * mm, right=True),
    PaperColumn("VAT", LEFT + 143 * mm, right=True),
    PaperColumn("Amount", RIGHT - 3 * mm, right=True),
)


def draw_invoice(invoice: SampleInvoice) -> bytes:
    """Draw *invoice* on as many A4 pages as it needs, and return the PDF."""
    pages = _paginate(invoice.lines)
    buffer = BytesIO()
    title = f"Invoice {invoice.number}"
    canvas = new_canvas(buffer, title=title, subject=f"{title} for {invoice.customer.name}")
    carried = Decimal(0)
    for index, lines in enumerate(pages):
        paper = _InvoicePage(canvas, invoice, page=index + 1, pages=len(pages))
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


def _paginate(lines: Sequence[SampleLine]) -> list[Sequence[SampleLine]]:
    """Share the lines among the pages; the last page keeps room for the totals."""
    pages: list[Sequence[SampleLine]] = []
    rest = lines
    while True:
        top = _NEXT_TOP if pages else _FIRST_TOP
        room = top - HEAD - _FLOOR - (_ROW if pages else 0)
        if len(rest) * _ROW <= room - _CLOSING:
            return [*pages, rest]
        # one line at least goes on, so that the totals are never alone on a page
        take = min(int((room - _ROW) // _ROW), len(rest) - 1)
        pages.append(rest[:take])
        rest = rest[take:]


class _InvoicePage(PaperSheet):
    """One page of an invoice. Each ``draw_`` method draws one part; those in a column return y."""

    def __init__(self, canvas: Any, invoice: SampleInvoice, *, page: int, pages: int) -> None:
        super().__init__(canvas, page=page, pages=pages)
        self._invoice = invoice
        self._currency = invoice.customer.currency

    # -- the head ------------------------------------------------------------------------------

    def draw_first_head(self) -> float:
        """Draw the full head of page one: company, addressee and facts."""
        self.draw_letterhead("Invoice")
        self.draw_addressee(self._invoice.customer)
        self._draw_facts()
        return _FIRST_TOP

    def draw_next_head(self) -> float:
        """Draw the short head of a later page."""
        invoice = self._invoice
        title, day = f"Invoice {invoice.number}", day_text(invoice.issued_on)
        self.draw_short_head(invoice.customer.name, title, day)
        return _NEXT_TOP

    def _draw_facts(self) -> None:
        invoice = self._invoice
        facts = [
            ("Invoice number", invoice.number),
            ("Date", day_text(invoice.issued_on)),
            ("Payable by", day_text(invoice.due_on)),
            ("Customer number", invoice.customer.number),
            ("Your order", invoice.order or "—"),
        ]
        top = HEIGHT - 53 * mm
        self.box(RIGHT - 72 * mm, top - 43 * mm, 72 * mm, 43 * mm)
        self.draw_facts(facts, top - 7 * mm)
        self._draw_stamp(RIGHT, HEIGHT - 110 * mm)
        self.text(LEFT, HEIGHT - 112 * mm, _opening(invoice), size=10)

    def _draw_stamp(self, right: float, y: float) -> None:
        words = _STAMPS.get(self._invoice.status)
        if words is None:
            return
        color = AMBER if words == "DRAFT" else GREEN
        width = self.canvas.stringWidth(words, BOLD, 9) + 9 * mm
        self.canvas.setStrokeColor(color)
        self.canvas.setLineWidth(1.1)
        self.canvas.roundRect(right - width, y - 2.4 * mm, width, 7.4 * mm, 3.7 * mm)
        self.text(right - 4.5 * mm, y, words, font=BOLD, size=9, color=color, right=True)

    # -- the lines -----------------------------------------------------------------------------

    def draw_table(
        self, lines: Sequence[SampleLine], y: float, *, carried: Decimal | None
    ) -> float:
        """Draw the head of the table, what was carried forward, and *lines*."""
        y = self.draw_columns(_COLUMNS, y)
        if carried is not None:
            y = self._draw_sum(y, "Brought forward", carried)
        first = self._invoice.lines.index(lines[0]) + 1
        for position, line in enumerate(lines, start=first):
            y = self._draw_line(y, position, line)
        return y

    def draw_carried(self, y: float, carried: Decimal) -> None:
        """Draw the sum so far at the end of a page that isn't the last."""
        self._draw_sum(y, "Carried forward", carried)

    def _draw_line(self, y: float, position: int, line: SampleLine) -> float:
        base = y - 4.8 * mm
        self.text(LEFT + 3 * mm, base, str(position), color=SOFT)
        self.text(_COLUMNS[1].x, base, line.title, font=BOLD)
        self.text(_COLUMNS[1].x, base - 4 * mm, line.detail, size=8, color=SOFT)
        values = (
            line.measure,
            number_text(line.price),
            f"{self._invoice.customer.vat_percent} %",
            number_text(line.amount),
        )
        for column, value in zip(_COLUMNS[2:], values, strict=True):
            self.text(column.x, base, value, right=True)
        self.rule(y - _ROW)
        return y - _ROW

    def _draw_sum(self, y: float, name: str, amount: Decimal) -> float:
        base = y - 6.6 * mm
        self.text(_COLUMNS[1].x, base, name, color=SOFT)
        self.text(_COLUMNS[-1].x, base, number_text(amount), font=BOLD, right=True)
        self.rule(y - _ROW)
        return y - _ROW

    # -- the end -------------------------------------------------------------------------------

    def draw_closing(self, y: float) -> None:
        """Draw totals, payment details, and thanks."""
        self._draw_payment(y - 8 * mm)
        y = self._draw_totals(y - 8 * mm)
        if self._invoice.customer.vat_percent == 0:
            note = "VAT reverse charge: the customer accounts for the tax."
            self.text(RIGHT - 3 * mm, y - 6 * mm, note, size=8, color=SOFT, right=True)

    def _draw_totals(self, y: float) -> float:
        invoice = self._invoice
        rows = [("Net", invoice.net), (f"VAT {invoice.customer.vat_percent} %", invoice.vat)]
        if invoice.paid:
            rows += [("Total", invoice.total), (_paid_words(invoice), -invoice.paid)]
        for name, amount in rows:
            self.text(RIGHT - 69 * mm, y - 3 * mm, name, size=9.5, color=SOFT)
            self.text(
                RIGHT - 3 * mm, y - 3 * mm, money_text(amount, self._currency), size=9.5, right=True
            )
            y -= 6.6 * mm
        self.box(RIGHT - 72 * mm, y - 12 * mm, 72 * mm, 12.5 * mm)
        base = y - 7.6 * mm
        self.text(RIGHT - 69 * mm, base, "To pay", font=BOLD, size=12, color=GREEN)
        due = money_text(invoice.due, self._currency)
        self.text(RIGHT - 3 * mm, base, due, font=BOLD, size=14, color=GREEN, right=True)
        return y - 12 * mm

    def _draw_payment(self, y: float) -> None:
        self.text(LEFT, y - 3 * mm, "How to pay", font=BOLD, size=10)
        details = (*BANK, ("Reference", self._invoice.number))
        base = self.draw_payment(details, y - 9.4 * mm) - 3 * mm
        for line in _terms(self._invoice):
            self.text(LEFT, base, line, size=8.5, color=SOFT)
            base -= 4.4 * mm


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
        f"Payable within {days} days, by {day_text(invoice.due_on)}, without deduction.",
        "Goods stay our property until they are paid for in full.",
    )


def _paid_words(invoice: SampleInvoice) -> str:
    return "Credited" if invoice.status == "credited" else "Paid so far"
