"""The documents that the sample system draws, read back with PDFium."""

from __future__ import annotations

from contextlib import closing

import pypdfium2
import pytest

from billhook.sample.pdf import draw_invoice


def texts(document: bytes) -> list[str]:
    with closing(pypdfium2.PdfDocument(document)) as pdf:
        return [page_text(page) for page in pdf]


def page_text(page) -> str:
    with closing(page), closing(page.get_textpage()) as text:
        return text.get_text_bounded()


def invoice_with(ledger, **facts):
    return next(i for i in ledger if all(getattr(i, name) == v for name, v in facts.items()))


def test_the_same_invoice_gives_the_same_bytes(ledger):
    assert draw_invoice(ledger[4]) == draw_invoice(ledger[4])


def test_two_invoices_differ(ledger):
    assert draw_invoice(ledger[4]) != draw_invoice(ledger[5])


def test_it_is_a_pdf_from_start_to_end(ledger):
    document = draw_invoice(ledger[0])
    assert document.startswith(b"%PDF-")
    assert document.rstrip().endswith(b"%%EOF")


def test_it_shows_the_content_of_the_invoice(ledger):
    invoice = invoice_with(ledger, number="INV0000001")
    [page] = texts(draw_invoice(invoice))
    for words in ("INV0000001", "Meridian Dental Group", f"€ {invoice.total:,.2f}", "Page 1 of 1"):
        assert words in page
    for line in invoice.lines:
        assert line.title in page
        assert line.measure in page


@pytest.mark.parametrize("count", [1, 2, 3], ids=["one page", "two pages", "three pages"])
def test_the_ledger_has_an_invoice_of(count, ledger):
    assert any(len(texts(draw_invoice(invoice))) == count for invoice in ledger[:40])


def test_every_line_appears_once_and_sums_are_carried_over(ledger):
    invoice = max(ledger, key=lambda i: len(i.lines))
    pages = texts(draw_invoice(invoice))
    whole = "".join(pages)
    assert all(whole.count(line.detail) >= 1 for line in invoice.lines)
    assert all("Carried forward" in page for page in pages[:-1])
    assert all("Brought forward" in page for page in pages[1:])
    assert "To pay" in pages[-1]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("paid", "PAID"),
        ("credited", "CREDITED"),
        ("draft", "DRAFT"),
        ("part_paid", "Paid so far"),
        ("open", "Payable within 30 days"),
    ],
    ids=["paid", "credited", "draft", "part paid", "open"],
)
def test_the_status_is_shown(status, words, ledger):
    assert words in "".join(texts(draw_invoice(invoice_with(ledger, status=status))))


def test_a_foreign_customer_pays_in_its_currency_without_tax(ledger):
    page = texts(draw_invoice(ledger[2]))[-1]
    assert f"£ {ledger[2].net:,.2f}" in page
    assert "reverse charge" in page
