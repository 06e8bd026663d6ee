"""Values in CSV files are understood, or refused if they are ambiguous."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from time import process_time

import pytest

from billhook.portal.imports.columns.headings import without_note
from billhook.portal.imports.values.amounts import decimal_sign, read_amount
from billhook.portal.imports.values.dates import common_orders, read_day
from billhook.portal.imports.values.words import read_currency, read_status
from billhook.portal.invoices.models import Status


@pytest.mark.parametrize(
    ("text", "sign", "amount"),
    [
        ("1240", None, "1240.00"),
        ("1240.5", None, "1240.50"),
        ("1240,50", None, "1240.50"),
        ("1,240.50", None, "1240.50"),
        ("1.240,50", None, "1240.50"),
        ("1,240,000", None, "1240000.00"),
        ("1.240.000", None, "1240000.00"),
        ("1.240", ",", "1240.00"),
        ("1,240", ".", "1240.00"),
        ("1 240,50", None, "1240.50"),
        ("1\u00a0240,50", None, "1240.50"),
        ("1\u202f240,50", None, "1240.50"),
        ("1'240.50", None, "1240.50"),
        ("-5.00", None, "-5.00"),
        ("\u22125,00", None, "-5.00"),
        ("+5", None, "5.00"),
        ("0.00", None, "0.00"),
        ("999999999999.99", None, "999999999999.99"),
        (".5", None, "0.5"),
        ("1240,000", None, "1240"),
        ("12,34,567.89", None, "1234567.89"),
        ("50,-", None, "50"),
        ("50.--", None, "50"),
        ("1.240,--", None, "1240"),
        ("CHF 1’240.–", None, "1240"),
        ("EUR1.240,00", None, "1240"),
        ("1.240,00- €", None, "-1240"),
        ("EUR (5.00)", None, "-5"),
        ("-€5", None, "-5"),
        ("€-5", None, "-5"),
        ("5 kr.", None, "5"),
        ("Rs. 500", None, "500"),
    ],
)
def test_an_amount_is_understood(text: str, sign: str | None, amount: str) -> None:
    assert read_amount(text, sign).value == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("1,240", None),
        ("1.240", None),
        ("1,24.00", None),
        ("1,240.5.0", None),
        ("--5", None),
        ("(-5)", None),
        ("-5-", None),
        ("€ 5 €€", None),
        ("abc 5", None),
        ("5 eurо", None),
        ("1e3", None),
        ("NaN", None),
        ("Infinity", None),
        ("", None),
        ("٣", None),
        ("1000000000000.00", None),
    ],
)
def test_an_invalid_or_ambiguous_amount_is_refused(text: str, sign: str | None) -> None:
    with pytest.raises(ValueError, match=r".+\.$"):
        read_amount(text, sign)


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        (["1.240", "12,50"], ","),
        (["1,240", "12.50"], "."),
        (["1.240,00"], ","),
        (["1,240", "7"], None),
        (["12,50", "12.50"], None),
        ([], None),
    ],
    ids=["comma", "point", "both in one", "no proof", "against each other", "no amounts"],
)
def test_one_unambiguous_amount_settles_the_decimal_separator_for_all(
    texts: list[str], sign: str | None
) -> None:
    assert decimal_sign(texts) == sign


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-31",
        "31.05.2024",
        "31.5.24",
        "31/05/2024",
        "05/31/2024 2:03 PM",
        "31 05 2024",
        "31 May 2024",
        "May 31st, 2024",
        "31. Mai 2024",
        "Freitag, 31. Mai 2024",
        "le 31 mai 2024",
        "31 de mayo de 2024",
        "31 mei 2024",
        "31 maggio 2024",
        "31-mai-24",
        "31/05/2024 14h03",
        "20240531",
        "20240531T140322Z",
        "2024/05/31",
        "2024-05-31T00:00:00Z",
        "2024-05-31 14:03:22.123456+00",
    ],
)
def test_a_date_is_understood(text: str) -> None:
    assert read_day(text, None) == date(2024, 5, 31)


@pytest.mark.parametrize(
    "text",
    ["03/04/2024", "2024-02-30", "soon", "10/11/12", "31 Foo 2024", "May 2024", "31/13/2024"],
)
def test_an_invalid_or_ambiguous_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2024-05-31"):
        read_day(text, None)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Open", Status.OPEN),
        ("part_paid", Status.PART_PAID),
        ("Part paid", Status.PART_PAID),
        ("PAID", Status.PAID),
        ("Overdue", Status.OPEN),
        ("draft", Status.DRAFT),
        ("Überfällig", Status.OPEN),
        ("teilweise bezahlt", Status.PART_PAID),
        ("Payée", Status.PAID),
        ("PAGADA", Status.PAID),
        ("gecrediteerd", Status.CREDITED),
        ("Stornata", Status.CREDITED),
    ],
)
def test_a_status_is_understood(text: str, status: Status) -> None:
    assert read_status(text) is status


@pytest.mark.parametrize(
    ("names", "month"),
    [
        ("Jan janv. ene gen Jän. Jänner janvier enero gennaio", 1),
        ("Feb fév. févr. Februar febbraio", 2),
        ("Mär Mrz März mars marzo maart mrt", 3),
        ("abr avr apr.", 4),
        ("août ago agosto Aug augustus", 8),
        ("Dez déc. dic dicembre Dezember december", 12),
    ],
)
def test_the_names_of_months_are_understood(names: str, month: int) -> None:
    for name in names.split():
        assert read_day(f"28 {name} 2025", None) == date(2025, month, 28)


def test_a_number_of_a_spreadsheet_for_a_day_is_refused_with_that_day() -> None:
    with pytest.raises(ValueError, match="spreadsheet for 2025-12-31"):
        read_day("46022", None)


def test_an_unknown_status_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Draft, Open, Part paid, Paid, Credited"):
        read_status("lost")


@pytest.mark.parametrize("text", ["E", "EURR", "ABC", "12A"])
def test_a_currency_is_three_letters(text: str) -> None:
    assert read_currency("eur") == "EUR"
    with pytest.raises(ValueError, match="EUR"):
        read_currency(text)


@pytest.mark.parametrize("piece", [" ", "\xa0", "(", "<", "1 ", "€", "-", "12:00 ", "a"])
@pytest.mark.parametrize(
    "read",
    [
        lambda cell: decimal_sign([cell]),
        lambda cell: common_orders([cell]),
        without_note,
    ],
    ids=["amount", "day", "heading"],
)
def test_a_long_cell_is_read_in_linear_time(read, piece):
    began = process_time()
    read("1" + piece * (32_000 // len(piece)) + "x")
    assert process_time() - began < 1
