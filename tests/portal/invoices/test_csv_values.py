"""Values in CSV files are understood, or refused if they are ambiguous."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billhook.portal.fields.csv_files import UnreadableFile, guarded, read_table, write_table
from billhook.portal.invoices.csv_values import (
    decimal_sign,
    read_amount,
    read_currency,
    read_day,
    read_status,
)
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
    ],
)
def test_an_amount_is_understood(text: str, sign: str | None, amount: str) -> None:
    assert read_amount(text, sign) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("1,240", None),
        ("1.240", None),
        ("1240,000", "."),
        ("1,24.00", None),
        ("1,240.5.0", None),
        ("12.345", "."),
        ("€ 5", None),
        ("5 EUR", None),
        ("--5", None),
        ("1e3", None),
        ("NaN", None),
        ("Infinity", None),
        ("", None),
        (".5", None),
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
    ["2024-05-31", "31.05.2024", "31 May 2024", "20240531", "2024/05/31", "2024-05-31T00:00:00Z"],
)
def test_a_date_is_understood(text: str) -> None:
    assert read_day(text) == date(2024, 5, 31)


@pytest.mark.parametrize("text", ["03/04/2024", "31/12/2024", "2024-02-30", "soon", "31.5.24"])
def test_an_invalid_or_ambiguous_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2024-05-31"):
        read_day(text)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Open", Status.OPEN),
        ("part_paid", Status.PART_PAID),
        ("Part paid", Status.PART_PAID),
        ("PAID", Status.PAID),
        ("Overdue", Status.OPEN),
        ("draft", Status.DRAFT),
    ],
)
def test_a_status_is_understood(text: str, status: Status) -> None:
    assert read_status(text) is status


def test_an_unknown_status_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Draft, Open, Part paid, Paid, Credited"):
        read_status("lost")


@pytest.mark.parametrize("text", ["E", "EURO", "€", "12A"])
def test_a_currency_is_three_letters(text: str) -> None:
    assert read_currency("eur") == "EUR"
    with pytest.raises(ValueError, match="EUR"):
        read_currency(text)


@pytest.mark.parametrize(
    "content",
    [
        "Number,Name\nINV-1,Müller\n".encode(),
        "\ufeffNumber,Name\r\nINV-1,Müller\r\n".encode(),
        "Number;Name\nINV-1;Müller".encode("cp1252"),
        "Number\tName\nINV-1\tMüller\n".encode("utf-16"),
        '"Number","Name"\n"INV-1","Müller"\n\n,,\n'.encode(),
    ],
    ids=["utf-8", "utf-8 with mark", "cp1252 and semicolons", "utf-16 and tabs", "quoted"],
)
def test_a_file_is_read_regardless_of_the_program_that_wrote_it(content: bytes) -> None:
    table = read_table(content)
    assert table.header == ("Number", "Name")
    assert [row.cells for row in table.rows] == [("INV-1", "Müller")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"PK\x03\x04\x00\x00",
        b"a\x81b",
        b'a,b\n"unfinished',
        b"a\n" * 20_002,
        b"a," * 101,
        b"a\n" + b"x" * 1001,
        b"a\n" + b"x" * 200_000,
        b"x" * (5 * 1024 * 1024 + 1),
    ],
    ids=["empty", "blank", "zip", "no text", "quote", "rows", "columns", "cell", "large", "bytes"],
)
def test_an_unreadable_file_is_refused_with_a_clear_message(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"\.$"):
        read_table(content)


@pytest.mark.parametrize("length", [1001, 131_073, 200_000])
def test_a_text_that_is_too_long_is_reported_as_too_long(length: int) -> None:
    with pytest.raises(UnreadableFile, match="Line 2 has a field of more than 1,000 characters"):
        read_table(b"Number\n" + b"x" * length)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "--1", "-"]
)
def test_no_cell_is_written_as_a_spreadsheet_formula(cell: str) -> None:
    written = write_table(["Number"], [[cell]])
    assert f"'{cell}".strip() in written.decode("utf-8-sig")
    assert [row.cells for row in read_table(written).rows] == [(cell,)]


@pytest.mark.parametrize("cell", ["-5.00", "5.00", "INV-1", "'tis", ""])
def test_a_harmless_cell_is_written_unchanged(cell: str) -> None:
    assert guarded(cell) == cell
