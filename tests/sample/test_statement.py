"""The statement that the sample system draws: one customer's invoices, and their sums."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

import pypdfium2
import pytest

from billhook.sample.books import Books
from billhook.sample.statement import draw_statement

DANA = "C1001"
YEAR = {"start": date(2025, 7, 21), "end": date(2026, 7, 20)}


def texts(document: bytes) -> list[str]:
    with closing(pypdfium2.PdfDocument(document)) as pdf:
        return [page_text(page) for page in pdf]


def page_text(page) -> str:
    with closing(page), closing(page.get_textpage()) as text:
        return text.get_text_bounded()


@pytest.fixture
def books(ledger) -> Books:
    return Books(ledger)


def test_it_has_the_customers_invoices_of_the_period_and_no_drafts(books, ledger):
    statement = books.statement(DANA, **YEAR)
    theirs = [each for each in ledger if each.customer.number == DANA and each.status != "draft"]
    within = [each for each in theirs if YEAR["start"] <= each.issued_on <= YEAR["end"]]
    assert list(statement.lines) == within
    assert statement.due == sum((each.due for each in theirs), Decimal(0))
    pages = texts(draw_statement(statement))
    whole = "".join(pages)
    assert all(whole.count(each.number) == 1 for each in within)
    assert not any(each.number in whole for each in ledger if each not in within)
    assert f"€ {statement.due:,.2f}" in pages[-1]
    assert len(pages) > 1
    assert all("Meridian Dental Group" in page for page in pages)


def test_a_payment_is_in_the_next_statement(books):
    unpaid = next(each for each in books.payable() if each.customer.number == DANA)
    before = books.statement(DANA, **YEAR).due
    books.pay(unpaid.number)
    assert books.statement(DANA, **YEAR).due == before - unpaid.due


def test_an_empty_period_shows_what_is_older(books):
    day = YEAR["end"] + timedelta(days=400)
    statement = books.statement(DANA, start=day, end=day)
    assert statement.lines == ()
    assert statement.open_before == statement.due > 0
    [page] = texts(draw_statement(statement))
    assert "Open from before" in page


async def test_it_is_given_by_the_customers_number_and_two_days(sample, books):
    path = f"/customers/{DANA}/statement?from=2025-07-21&to=2026-07-20"
    response = await sample.get(path)
    assert (response.status, response.content_type) == (200, "application/pdf")
    assert await response.read() == draw_statement(books.statement(DANA, **YEAR))


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        pytest.param("/customers/C9/statement?from=2026-03-01&to=2026-03-31", 404, id="customer"),
        pytest.param(f"/customers/{DANA}/statement", 422, id="no-days"),
        pytest.param(f"/customers/{DANA}/statement?from=1.3.2026&to=2026-03-31", 422, id="format"),
        pytest.param(f"/customers/{DANA}/statement?from=2026-04-01&to=2026-03-31", 422, id="order"),
    ],
)
async def test_anything_else_is_refused(path, refusal, sample):
    response = await sample.get(path)
    assert response.status == refusal
    assert (await response.json())["message"]
