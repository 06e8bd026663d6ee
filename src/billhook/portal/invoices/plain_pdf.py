"""A summary of an invoice from our own record, as a PDF that can't be mistaken for the original.

It is for invoices whose document no source has. It contains the facts of the record, and no bank
details: nobody should be able to pay by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from reportlab.lib import units
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from billhook.portal.fields.currencies import shown_amount
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.pdf_text import (
    BOLD,
    REGULAR,
    drawable,
    lines_of,
    long_day,
    register_fonts,
)
from billhook.portal.invoices.shown_status import settled_status_of

STATEMENT: Final = (
    "This is a summary that the portal made from its own record, not the original invoice."
)
_mm: Final = float(units.mm)
_WIDTH, _HEIGHT = (float(length) for length in A4)
_LEFT: Final = 20 * _mm
_TEXT_WIDTH: Final = _WIDTH - 2 * _LEFT
_LABEL_WIDTH: Final = 45 * _mm
_LINE: Final = 6.5 * _mm
_INK, _SOFT, _FRAME, _TINT = (HexColor(n) for n in (0x1D2A26, 0x66736E, 0x9A5B00, 0xFFF6E5))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainInvoice:
    """The facts in the summary."""

    organisation: str
    customer: str
    customer_number: str
    number: str
    issued_on: date
    due_on: date | None
    amount: Decimal
    open_amount: Decimal
    currency: str
    status: str
    po_number: str = ""


def plain_invoice(invoice: Invoice) -> PlainInvoice:
    """Return the facts for the summary of *invoice*, with customer and organisation loaded."""
    return PlainInvoice(
        organisation=invoice.organisation.name,
        customer=invoice.customer.name,
        customer_number=invoice.customer.number,
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        amount=invoice.signed_amount,
        open_amount=invoice.signed_open_amount,
        currency=invoice.currency,
        po_number=invoice.po_number,
        status=settled.word
        if (settled := settled_status_of(invoice))
        else invoice.get_status_display(),
    )


def draw_plain_invoice(facts: PlainInvoice) -> bytes:
    """Return the summary as a PDF of one page: the same bytes each time for the same facts."""
    register_fonts()
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=True, lang="en")
    canvas.setTitle(f"Summary of invoice {drawable(facts.number)}")
    canvas.setAuthor(drawable(facts.organisation))
    top = _draw_statement(canvas, _HEIGHT - 20 * _mm)
    top = _draw_heading(canvas, facts, top - 18 * _mm)
    _draw_facts(canvas, facts, top - 10 * _mm)
    canvas.showPage()
    canvas.save()
    return written.getvalue()


def _draw_statement(canvas: Any, top: float) -> float:
    """Draw the frame that says that it is a summary, and return its bottom edge."""
    height = 14 * _mm
    canvas.setFillColor(_TINT)
    canvas.setStrokeColor(_FRAME)
    canvas.rect(_LEFT, top - height, _TEXT_WIDTH, height, fill=1)
    canvas.setFillColor(_FRAME)
    canvas.setFont(BOLD, 9.5)
    canvas.drawCentredString(_WIDTH / 2, top - height / 2 - 3, STATEMENT)
    return top - height


def _draw_heading(canvas: Any, facts: PlainInvoice, top: float) -> float:
    canvas.setFillColor(_INK)
    for text, size in ((facts.organisation, 11), (f"Summary of invoice {facts.number}", 17)):
        for line in lines_of(text, BOLD, size, _TEXT_WIDTH):
            canvas.setFont(BOLD, size)
            canvas.drawString(_LEFT, top, line)
            top -= 1.5 * size
    return top


def _draw_facts(canvas: Any, facts: PlainInvoice, top: float) -> None:
    for label, text in _rows(facts):
        canvas.setFont(REGULAR, 10)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_LEFT, top, label)
        canvas.setFillColor(_INK)
        for line in lines_of(text, REGULAR, 10, _TEXT_WIDTH - _LABEL_WIDTH):
            canvas.drawString(_LEFT + _LABEL_WIDTH, top, line)
            top -= _LINE


def _rows(facts: PlainInvoice) -> Iterator[tuple[str, str]]:
    yield "Customer", f"{facts.customer} ({facts.customer_number})"
    yield "Date", long_day(facts.issued_on)
    if facts.due_on is not None:
        yield "Due", long_day(facts.due_on)
    if facts.po_number:
        yield "PO number", facts.po_number
    yield "Amount", shown_amount(facts.amount, facts.currency)
    yield "Open", shown_amount(facts.open_amount, facts.currency)
    yield "Status", facts.status
