"""The statement of a customer: exact sums, its files, and nobody else's invoices."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pypdfium2
import pytest
from django.utils import timezone

from billhook.portal.customers.services import invite_contact
from billhook.portal.fields.periods import NamedPeriod, StatementPeriod, named_period
from billhook.portal.invoices.access import listed_invoices_for_contact
from billhook.portal.invoices.models import Status
from billhook.portal.statements import page, words
from billhook.portal.statements.account import CustomerAccount
from portal.cast import Cast, invoice, signed_in

DAYS = "?start=2026-01-01&end=2026-01-31"
WITHIN = date(2026, 1, 10)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("this-month", date(2024, 2, 1), date(2024, 2, 29)),
        ("last-month", date(2024, 1, 1), date(2024, 1, 31)),
        ("this-quarter", date(2024, 1, 1), date(2024, 3, 31)),
        ("last-quarter", date(2023, 10, 1), date(2023, 12, 31)),
        ("this-year", date(2024, 1, 1), date(2024, 12, 31)),
        ("last-year", date(2023, 1, 1), date(2023, 12, 31)),
    ],
)
def test_a_period_with_a_name_is_whole(name: str, start: date, end: date) -> None:
    found = named_period(NamedPeriod(name), today=date(2024, 2, 29))
    assert found == StatementPeriod(start=start, end=end)


@pytest.mark.parametrize(
    ("days", "bucket"), [(0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4)]
)
def test_what_is_open_is_in_the_bucket_of_its_age(days: int, bucket: int, cast: Cast) -> None:
    invoice(cast.bolt, "AGED", due_in=-days, amount="7.00", currency="CHF")
    today = timezone.localdate()
    account = CustomerAccount(
        listed_invoices_for_contact(cast.carl.user),
        period=StatementPeriod(start=today, end=today),
        today=today,
    )
    chf = next(each for each in account.currencies if each.currency == "CHF")
    assert [number for number, amount in enumerate(chf.ages) if amount == 7] == [bucket]


def test_the_sums_of_each_currency_are_those_of_its_lines(cast: Cast) -> None:
    invoice(cast.bolt, "A-1", amount="0.10", issued_on=WITHIN)
    invoice(cast.bolt, "A-2", amount="0.20", issued_on=WITHIN, status=Status.PAID)
    invoice(cast.bolt, "A-3", amount="-5.00", open_amount="-2.00", issued_on=WITHIN)
    invoice(cast.bolt, "A-4", amount="9.00", issued_on=WITHIN, status=Status.VOID)
    invoice(cast.bolt, "A-5", amount="400", currency="JPY", issued_on=WITHIN)
    period = StatementPeriod(start=date(2026, 1, 1), end=date(2026, 1, 31))
    account = CustomerAccount(
        listed_invoices_for_contact(cast.carl.user), period=period, today=timezone.localdate()
    )
    eur, jpy = account.currencies
    assert (eur.invoiced, eur.credited) == (Decimal("0.30"), Decimal("5.00"))
    lines = [line for line in account.lines() if line.invoice.currency == "EUR"]
    assert eur.open_within == sum(line.open_amount for line in lines) == Decimal("-1.90")
    assert eur.balance == eur.open_within + eur.open_before + eur.open_after
    assert (jpy.invoiced, jpy.line_count) == (Decimal(400), 1)


def test_a_contact_gets_their_own_customers_statement_alone(cast: Cast) -> None:
    invoice(cast.bolt, "BOLT-9", issued_on=WITHIN)
    invoice(cast.acme, "ACME-9", issued_on=WITHIN)
    response = signed_in(cast.carl).get(f"/statement{DAYS}&customer={cast.acme.id}")
    assert b"BOLT-9" in response.content
    assert b"ACME-9" not in response.content


def test_a_contact_of_two_customers_chooses_one(cast: Cast) -> None:
    invite_contact(customer=cast.bolt, email=cast.carla.user.email)
    invoice(cast.bolt, "BOLT-9", issued_on=WITHIN)
    browser = signed_in(cast.carla)
    assert b"Whose statement?" in browser.get(f"/statement{DAYS}").content
    assert b"BOLT-9" in browser.get(f"/statement{DAYS}&customer={cast.bolt.id}").content
    foreign = browser.get(f"/statement{DAYS}&customer={cast.cedar.id}").content
    assert b"This customer doesn&#x27;t exist" in foreign


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?start=2026-02-30&end=2026-03-01", b"Type a date such as"),
        ("?start=2026-03-01", b"Type a date such as"),
        ("?start=2026-03-01&end=2026-02-01", b"can&#x27;t be before the first"),
    ],
)
def test_wrong_days_get_a_sentence_and_no_file(query: str, sentence: bytes, cast: Cast) -> None:
    browser = signed_in(cast.carl)
    assert sentence in browser.get(f"/statement{query}").content
    for kind in ("pdf", "csv"):
        assert browser.get(f"/statement.{kind}{query}").status_code == 302


def test_the_csv_file_has_every_line_and_no_formula(cast: Cast) -> None:
    invoice(cast.bolt, "=1+1", issued_on=WITHIN)
    response = signed_in(cast.carl).get(f"/statement.csv{DAYS}")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert [row["Invoice number"] for row in rows] == ["'=1+1"]
    assert rows[0]["Still open"] == "1240.00"


def test_the_pdf_has_the_lines_and_says_which_characters_it_lacks(cast: Cast) -> None:
    invoice(cast.bolt, "請求-1", issued_on=WITHIN)
    for number in range(60):
        invoice(cast.bolt, f"N-{number:03}", issued_on=WITHIN)
    response = signed_in(cast.vera).get(
        f"/backoffice/{cast.harper.id}/customers/{cast.bolt.id}/statement.pdf{DAYS}"
    )
    document = pypdfium2.PdfDocument(response.content)
    texts = [sheet.get_textpage().get_text_bounded() for sheet in document]
    document.close()
    assert len(texts) > 1
    assert "Harper IT" in texts[0]
    assert "N-059" in texts[-1]
    assert "1,240.00" in texts[-1]
    assert "Page 2" in texts[1]
    assert "in place of a character" in texts[-1]


def test_the_foot_of_a_pdf_has_the_beginning_of_a_long_name(cast: Cast) -> None:
    cast.bolt.name = "Bolt" + "und" * 60
    cast.bolt.save()
    response = signed_in(cast.vera).get(
        f"/backoffice/{cast.harper.id}/customers/{cast.bolt.id}/statement.pdf{DAYS}"
    )
    document = pypdfium2.PdfDocument(response.content)
    text = document[0].get_textpage().get_text_bounded()
    document.close()
    assert re.search(r"Harper IT, statement of Bolt(und){10,59}\w{0,2}…", text)


def test_a_page_and_a_pdf_have_limits_and_the_sums_do_not(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_ON_PAGE", 1)
    monkeypatch.setattr(page, "MOST_IN_PDF", 1)
    monkeypatch.setattr(words, "MOST_IN_PDF", 1)
    for number in ("B-1", "B-2"):
        invoice(cast.bolt, number, amount="10.00", issued_on=WITHIN)
    browser = signed_in(cast.carl)
    content = browser.get(f"/statement{DAYS}").content.decode()
    assert "B-2" not in content
    assert "The first 1 of 2 invoices" in content
    assert "20.00 EUR" in content
    assert "This period has 2 invoices" in content
    assert browser.get(f"/statement.pdf{DAYS}").status_code == 302


def test_more_invoices_take_no_more_queries(cast: Cast, django_assert_max_num_queries) -> None:
    for number in range(20):
        invoice(cast.bolt, f"Q-{number}", issued_on=WITHIN - timedelta(days=number % 9))
    browser = signed_in(cast.carl)
    with django_assert_max_num_queries(15):
        browser.get(f"/statement{DAYS}")
