"""Invoices in files become invoices, and rows that can't be used are refused with a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billhook.portal.customers.models import Customer
from billhook.portal.imports.effect import Effect
from billhook.portal.imports.reading.table import UnreadableFile
from billhook.portal.invoices.access import invoices_for_member
from billhook.portal.invoices.csv_export import export_invoices
from billhook.portal.invoices.models import Invoice, Status
from portal.cast import Cast, customer, invoice
from portal.imports.files import csv, first_facts, imported, planned, refusal, row


def test_a_new_invoice_is_created_from_its_row(cast: Cast) -> None:
    imported(cast, csv("INV-9;C-1;31.05.2024;14.06.2024;1.240,50;40,00;eur;Part paid"))
    made = Invoice.objects.get(organisation=cast.harper, number="INV-9")
    assert (made.customer, made.issued_on, made.due_on) == (
        cast.acme,
        date(2024, 5, 31),
        date(2024, 6, 14),
    )
    assert (made.amount, made.open_amount) == (Decimal("1240.50"), Decimal("40.00"))
    assert (made.currency, made.status) == ("EUR", Status.PART_PAID)


def test_a_plan_writes_nothing(cast: Cast) -> None:
    before = list(Invoice.objects.values())
    plan = planned(cast, csv("INV-9;C-1;2024-05-31;;5;;EUR;"))
    assert [each.effect for each in plan.rows] == [Effect.CREATE]
    assert list(Invoice.objects.values()) == before


def test_our_own_export_changes_nothing_when_it_is_imported_again(cast: Cast) -> None:
    invoice(cast.acme, "=1+1", due_in=None, amount="-12.00", status=Status.CREDITED)
    invoice(cast.acme, "00123", amount="1240", currency="JPY")
    invoice(cast.acme, "KWD-1", amount="1.125", currency="KWD")
    before = list(Invoice.objects.order_by("id").values())
    done = imported(cast, b"".join(export_invoices(invoices_for_member(cast.alice))))
    assert done.counts == {"keep": len(before) - 1}  # one is Northwind's
    assert list(Invoice.objects.order_by("id").values()) == before


def test_our_own_export_creates_the_same_invoices_in_another_organisation(cast: Cast) -> None:
    content = b"".join(export_invoices(invoices_for_member(cast.charlie)))
    Invoice.objects.filter(organisation=cast.harper).delete()
    imported(cast, content)
    facts = ("number", "issued_on", "due_on", "amount", "open_amount", "status")
    ours, theirs = (
        list(invoices_for_member(member).values_list(*facts))
        for member in (cast.alice, cast.charlie)
    )
    assert ours == theirs


def test_columns_that_a_file_lacks_stay_unchanged(cast: Cast) -> None:
    content = csv("INV-1;C-1;2.50", head="Number;Customer;Amount\n")
    [one] = planned(cast, content).rows
    assert (one.effect, one.changes) == (Effect.CHANGE, ("amount", "still open"))
    imported(cast, content)
    changed = Invoice.objects.get(id=cast.open.id)
    assert (changed.amount, changed.due_on) == (Decimal("2.50"), cast.open.due_on)


@pytest.mark.parametrize("status", ["Paid", "Credited", "bezahlt", "Annulée"])
def test_a_paid_or_cancelled_invoice_has_no_open_amount(cast: Cast, status: str) -> None:
    head = "Number;Customer;Date;Currency;Total;State\n"
    rows = (f"{number};C-1;2024-05-01;EUR;5;{status}" for number in ("INV-1", "INV-9"))
    imported(cast, csv(*rows, head=head))
    both = Invoice.objects.filter(organisation=cast.harper, number__in=["INV-1", "INV-9"])
    assert [each.open_amount for each in both] == [0, 0]


def test_a_missing_customer_is_created_by_name(cast: Cast) -> None:
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    content = csv("INV-8;C-7;Cyan;2024-05-01;5;EUR", "INV-9;C-7;;2024-05-01;5;EUR", head=head)
    assert planned(cast, content).others == {"new_customers": 1}
    imported(cast, content)
    made = Customer.objects.get(organisation=cast.harper, number="C-7")
    assert made.name == "Cyan"
    assert {each.number for each in made.invoices.all()} == {"INV-8", "INV-9"}


def test_a_customer_without_a_number_is_found_by_the_exact_name(cast: Cast) -> None:
    customer(cast.harper, "C-8", "Twin")
    customer(cast.harper, "C-9", "Twin")
    head = "Number;Customer name;Date;Amount;Currency\n"
    names = ("Acme", "Twin", "Nobody")
    content = csv(*(f"N-{name};{name};2024-05-01;5;EUR" for name in names), head=head)
    imported(cast, content)
    assert Invoice.objects.get(number="N-Acme").customer == cast.acme
    assert "Several customers are called Twin" in refusal(cast, content, 1)
    assert "No customer is called Nobody" in refusal(cast, content, 2)


def test_rows_of_one_organisation_never_touch_another(cast: Cast) -> None:
    before = Invoice.objects.filter(organisation=cast.northwind).values().get()
    imported(cast, csv("INV-1;C-1;2024-05-01;;5;5;USD;Open"))
    assert Invoice.objects.filter(organisation=cast.northwind).values().get() == before


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (";C-1;2024-05-01;;5;;EUR;", "The invoice number is missing."),
        ("INV-9;C-1;03/04/2024;;5;;EUR;", "two ways"),
        ("INV-9;C-1;2024-05-01;;1.240;;EUR;", "two ways"),
        ("INV-9;C-1;2024-05-01;;5;; EURX;", "isn't a currency"),
        ("INV-9;C-1;2024-05-01;;5;;ERU;", "isn't a currency"),
        ("INV-9;C-1;2024-05-01;;5;;EUR;Lost", "isn't a status"),
        ("INV-9;C-99;2024-05-01;;5;;EUR;", "Customer C-99 doesn't exist."),
        ("INV-9;;2024-05-01;;5;;EUR;", "needs: customer number"),
        ("INV-9;C-1;;;;;;", "needs: date, amount, currency"),
        ("INV-9;C-1;2024-05-01;2024-04-01;5;;EUR;", "The due date is before"),
        ("INV-9;C-1;2024-05-01;;5;6;EUR;", "The open amount is larger"),
        ("INV-9;C-1;2024-05-01;;5.1255;;EUR;", "more than the 2 decimals of EUR"),
        ("INV-9;C-1;2024-05-01;;5.50;;JPY;", "JPY has none"),
        (f"{'9' * 101};C-1;2024-05-01;;5;;EUR;", "longer than 100"),
        ("INV-1;C-1;2024-05-01;2024-04-01;5;;EUR;", "The due date is before"),
        ('"INV\n9";C-1;2024-05-01;;5;;EUR;', "The invoice number contains a line break"),
        ('INV-9;"C\r\n1";2024-05-01;;5;;EUR;', "The customer number contains a line break"),
        ('INV-9;C-1;2024-05-01;;"1\n240.00";;EUR;', "The amount contains a line break"),
        ("INV\u202e-9;C-1;2024-05-01;;5;;EUR;", "another invisible character"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_reason(
    cast: Cast, bad: str, reason: str
) -> None:
    content = csv(bad, row("INV-10"))
    [refused] = planned(cast, content).refused
    assert reason in " ".join(refused.reasons)
    assert refused.line == 2 + bad.count("\n")
    done = imported(cast, content)
    assert done.counts == {"refuse": 1, "create": 1}
    assert Invoice.objects.filter(number="INV-10").exists()
    assert not Invoice.objects.filter(number="INV-9").exists()


@pytest.mark.parametrize("name", ["A\nB", "A\u2028B", "A\u202eB", "A\u2069B", "A\u200bB", "A\x07B"])
def test_a_customer_is_not_created_with_a_name_that_nobody_can_see(cast: Cast, name: str) -> None:
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    content = csv(f'INV-9;C-7;"{name}";2024-05-01;5;EUR', head=head)
    assert "The customer name contains a line break" in refusal(cast, content)
    imported(cast, content)
    assert not Customer.objects.filter(number="C-7").exists()


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("Customer;Date;Amount;Currency\n", "No row names a column for: Invoice number"),
        ("Number;Invoice;Customer;Date;Amount;Currency\n", "Two columns have the same meaning"),
    ],
    ids=["missing", "twice"],
)
def test_a_file_without_the_required_columns_is_refused_completely(
    cast: Cast, head: str, sentence: str
) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        planned(cast, csv("x", head=head))


# Amounts.


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1.240,00 €", "EUR", "1240.00"),
        ("€ 1.240,00", "EUR", "1240.00"),
        ("-1.000,00 €", "EUR", "-1000.00"),
        ("$1,240.00", "USD", "1240.00"),
        ("1240.00 EUR", "EUR", "1240.00"),
        ("CHF 1'240.00", "CHF", "1240.00"),
        ("Fr. 1'240.50", "CHF", "1240.50"),
        ("1 240,00 zł", "PLN", "1240.00"),
        ("¥1,240", "JPY", "1240"),
        ("1.240,125", "KWD", "1240.125"),
        ("0.500", "KWD", "0.500"),
        ("1240.000", "JPY", "1240"),
    ],
)
def test_a_sign_or_code_that_agrees_with_the_currency_is_accepted(
    cast: Cast, text: str, currency: str, amount: str
) -> None:
    facts = first_facts(cast, csv(row(amount=text, currency=currency)))
    assert (str(facts.amount), facts.currency) == (amount, currency)


@pytest.mark.parametrize(
    ("text", "currency"), [("1240.00 EUR", "USD"), ("€ 1.240,00", "CHF"), ("$5", "EUR")]
)
def test_a_sign_or_code_of_another_currency_is_refused(
    cast: Cast, text: str, currency: str
) -> None:
    assert f"isn't in {currency}" in refusal(cast, csv(row(amount=text, currency=currency)))


def test_the_currency_comes_from_the_amount_or_the_name_of_its_column(cast: Cast) -> None:
    head = "Number;Customer number;Date;{};Status\n"
    for name, text in (("Amount", "5,00 €"), ("Betrag (EUR)", "5,00"), ("Total in EUR", "5")):
        content = csv(f"INV-9;C-1;2024-05-01;{text};", head=head.format(name))
        assert first_facts(cast, content).currency == "EUR"
    content = csv("INV-9;C-1;2024-05-01;$5;", head=head.format("Amount"))
    assert "used by several currencies" in refusal(cast, content)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("-1.234,56", "-1234.56"),
        ("1.234,56-", "-1234.56"),
        ("1234.56-", "-1234.56"),
        ("5,00 -", "-5.00"),
        ("(1.234,56)", "-1234.56"),
        ("(1,234.56)", "-1234.56"),
        ("'-75.63", "-75.63"),
        ("-,50", "-0.50"),
        ("1240.5000", "1240.50"),
        ("-200,0000", "-200.00"),
        ("1240.00000", "1240.00"),
        ("0.5", "0.50"),
    ],
)
def test_an_amount_is_read_as_it_is_written(cast: Cast, text: str, amount: str) -> None:
    assert str(first_facts(cast, csv(row(amount=text))).amount) == amount


# Days.


def days(*texts: str) -> bytes:
    return csv(*(row(f"INV-9{n}", day=day) for n, day in enumerate(texts)))


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["31/12/2025"], "2025-12-31"),
        (["03/04/2025", "31/12/2025"], "2025-04-03"),
        (["03/04/2025", "12/31/2025"], "2025-03-04"),
        (["03-04-2025", "31-12-2025"], "2025-04-03"),
        (["03/04/25 14:03", "31/12/25 00:00"], "2025-04-03"),
        (["03.04.2025"], "2025-04-03"),
        (["05/05/2025"], "2025-05-05"),
    ],
)
def test_the_other_days_of_a_column_prove_the_order(
    cast: Cast, texts: list[str], first: str
) -> None:
    assert str(first_facts(cast, days(*texts)).issued_on) == first


@pytest.mark.parametrize(
    "texts",
    [
        ["03/04/2025", "05/06/2025"],
        ["03/04/2025", "31/12/2025", "12/31/2025"],
        ["03/04/2025", "2025-12-31"],
        ["03-04-2025"],
    ],
    ids=["no proof", "against each other", "another format", "alone"],
)
def test_a_day_that_nothing_proves_is_refused(cast: Cast, texts: list[str]) -> None:
    assert "two ways" in refusal(cast, days(*texts))


def test_the_due_date_proves_the_order_of_the_date(cast: Cast) -> None:
    content = csv("INV-9;C-1;03/04/2025;31/12/2025;5;;EUR;")
    assert str(first_facts(cast, content).issued_on) == "2025-04-03"


# Numbers, and the traces of spreadsheets.


@pytest.mark.parametrize("text", ["00123", "'00123", '="00123"', '"=""00123"""'])
def test_a_number_that_was_protected_from_excel_is_read_without_that(cast: Cast, text: str) -> None:
    assert first_facts(cast, csv(row(text))).number == "00123"
    assert first_facts(cast, csv(row(text, '="C-1"'))).number == "00123"


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (["2.4952E+19"], "only 15 digits"),
        (["2,4952E+19"], "only 15 digits"),
        (["2.4952e+19"], "only 15 digits"),
        (["249520000000000000000"], "only 15 digits"),
        (["1234567890123450", "1234567890123460"], "only 15 digits"),
        (["#NAME?"], "failed in the spreadsheet"),
        (["#N/A"], "failed in the spreadsheet"),
        (["#WERT!"], "failed in the spreadsheet"),
        (["01. Feb", "1-2/7"], "into the day"),
        (["Jan 25", "JX-12"], "into the day"),
        (["01.02.2025", "JX-12"], "into the day"),
    ],
)
def test_a_number_that_a_spreadsheet_spoiled_is_refused(
    cast: Cast, numbers: list[str], reason: str
) -> None:
    assert reason in refusal(cast, csv(*map(row, numbers)))


@pytest.mark.parametrize(
    "number", ["1234567890123456", "#1001", "4E12", "2025-01", "1E5", "MAR-25", "12345678901234567"]
)
def test_a_number_that_only_looks_odd_is_accepted(cast: Cast, number: str) -> None:
    assert first_facts(cast, csv(row(number))).number == number


def test_a_number_without_the_zeros_of_a_known_one_is_refused(cast: Cast) -> None:
    invoice(cast.acme, "00123")
    customer(cast.harper, "007", "Bond")
    assert "There is an invoice 00123." in refusal(cast, csv(row("123")))
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    content = csv("INV-9;7;Bond;2024-05-01;5;EUR", head=head)
    assert "doesn't exist, but 007 does" in refusal(cast, content)


# Several rows with one number.

ITEMS = "Number;Customer number;Date;Item;Amount;Currency\n"


def items(*amounts: str) -> bytes:
    rows = (f"INV-9;C-1;2024-05-01;Item {n};{amount};EUR" for n, amount in enumerate(amounts))
    return csv(*rows, head=ITEMS)


def test_one_row_for_each_item_is_one_invoice(cast: Cast) -> None:
    imported(cast, items("5.00", "7.50", "-1"))
    assert Invoice.objects.get(number="INV-9").amount == Decimal("11.50")


def test_an_amount_in_the_first_row_alone_is_that_of_the_invoice(cast: Cast) -> None:
    assert first_facts(cast, items("12.50", "", "")).amount == Decimal("12.50")


def test_equal_amounts_are_refused_as_they_may_be_those_of_items_or_repeat_one(cast: Cast) -> None:
    reason = refusal(cast, items("5", "5"))
    assert reason.startswith("Lines 2 and 3 have this invoice and the same amount.")


def test_different_amounts_of_another_invoice_show_that_they_are_added_up(cast: Cast) -> None:
    content = items("5", "5") + b"\nINV-10;C-1;2024-05-01;x;1;EUR\nINV-10;C-1;2024-05-01;y;2;EUR"
    assert first_facts(cast, content).amount == Decimal(10)


def test_amounts_under_a_name_for_items_are_added_up(cast: Cast) -> None:
    assert first_facts(cast, items("5", "5").replace(b"Amount", b"Line total")).amount == 10


def test_rows_of_one_invoice_with_different_facts_are_refused(cast: Cast) -> None:
    content = csv(row("INV-9", day="2024-05-01"), row("INV-9", day="2024-05-02", amount="7"))
    assert "Lines 2 and 3 have this invoice, but not the same date." in refusal(cast, content)
    assert len(planned(cast, content).rows) == 1


# The row with the names, and the separator.

XERO = "*InvoiceNumber,*ContactName,CustomerNumber,*InvoiceDate,*DueDate,Total,Currency\n"


@pytest.mark.parametrize(
    "content",
    [
        "Open invoices of 2025;;;;;;;\n" + csv(row()).decode(),
        "Open invoices of 2025\n\nMade on;31.12.2025\n\n" + csv(row()).decode(),
        csv(row()).decode().replace("Invoice number", "InvoiceNumber").replace(" number", "Number"),
        XERO + "INV-9,Acme,C-1,2025-12-31,,5,EUR\n",
        '"Invoice\nnumber";"Customer\nnumber";Date;Amount;Currency\nINV-9;C-1;2025-12-31;5,00;EUR',
        csv(row()).decode().replace(";", "|"),
        "sep=;\n" + csv(row()).decode(),
        "\ufeffsep=;\r\n" + csv(row()).decode(),
        '"sep=;"\n' + csv(row()).decode(),
        ("sep=\t\n" + csv(row()).decode().replace(";", "\t")).encode("utf-16"),
        csv(row()).decode().encode("utf-16-le"),
        csv(row()).decode().replace("\n", "\r").encode(),
        csv(row()) + b"\n" + csv(row("INV-10")),
    ],
    ids=[
        "a title above",
        "lines above",
        "without spaces",
        "as Xero names them",
        "names on two lines",
        "bars",
        "separator named",
        "after a byte-order mark",
        "in quotes",
        "a tab, in UTF-16",
        "UTF-16 without a mark",
        "lines that end as on an old Mac",
        "the names again on the next page",
    ],
)
def test_the_row_of_names_and_the_separator_are_found(cast: Cast, content: str | bytes) -> None:
    plan = planned(cast, content)
    assert plan.refused == ()
    assert plan.rows[0].number == "INV-9"


def test_the_named_separator_is_used_for_amounts_with_commas(cast: Cast) -> None:
    content = "sep=;\n" + csv(row(amount="1240,50")).decode()
    assert str(first_facts(cast, content).amount) == "1240.50"


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-31 14:03",
        "2025-12-31 00:00:00.000",
        "2025-12-31T14:03:22",
        "2025-12-31T23:03:22Z",
        "31.12.2025 11:14:40",
        "31-12-2025",
        "31-Dec-2025",
        "Dec 31, 2025",
    ],
)
def test_a_day_is_read_as_it_is_written(cast: Cast, text: str) -> None:
    assert first_facts(cast, csv(row(day=f'"{text}"'))).issued_on == date(2025, 12, 31)
