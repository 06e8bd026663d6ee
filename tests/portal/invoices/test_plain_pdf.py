"""The summary from our own record says what it is, and takes any text that a record may hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pypdfium2
import pytest

from billhook.portal.invoices.plain_pdf import STATEMENT, PlainInvoice, draw_plain_invoice

FACTS = PlainInvoice(
    organisation="Harper IT",
    customer="Acme",
    customer_number="C-1",
    number="INV-1",
    issued_on=date(2026, 3, 1),
    due_on=date(2026, 3, 31),
    amount=Decimal("1240.00"),
    open_amount=Decimal("310.50"),
    currency="EUR",
    status="Part paid",
)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    page = document[0].get_textpage()
    try:
        return str(page.get_text_bounded())
    finally:
        document.close()


def test_it_says_that_it_is_a_summary_and_shows_the_record() -> None:
    text = text_of(draw_plain_invoice(FACTS))
    for said in (
        STATEMENT,
        "Harper IT",
        "Summary of invoice INV-1",
        "Acme (C-1)",
        "1 March 2026",
        "31 March 2026",
        "1,240.00 EUR",
        "310.50 EUR",
        "Part paid",
    ):
        assert said in text


def test_the_same_facts_give_the_same_bytes() -> None:
    assert draw_plain_invoice(FACTS) == draw_plain_invoice(FACTS)


def test_without_a_due_date_there_is_no_such_row() -> None:
    assert "Due" not in text_of(draw_plain_invoice(replace(FACTS, due_on=None)))


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        pytest.param("Grün & Söhne", "Grün & Söhne", id="umlauts"),
        pytest.param("Ứng", "Ung", id="marks that the font lacks"),
        pytest.param("日本", "??", id="another script"),
        pytest.param("W" * 200, "WWWWWWWW", id="a word longer than the line"),
        pytest.param("", "()", id="nothing"),
    ],
)
def test_any_text_can_be_drawn(name: str, drawn: str) -> None:
    text = text_of(draw_plain_invoice(replace(FACTS, customer=name, customer_number="")))
    assert drawn in text
