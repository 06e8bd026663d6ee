"""An import shows what it would do, does exactly that, and refuses what it can't be sure of."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from billhook.portal.customers.models import Customer
from billhook.portal.fields.csv_files import UnreadableFile
from billhook.portal.invoices.access import invoices_for_member
from billhook.portal.invoices.csv_columns import export_invoices
from billhook.portal.invoices.csv_import import Effect, import_invoices, plan_import
from billhook.portal.invoices.models import Invoice, Status
from portal.cast import Cast, invoice, signed_in

HEAD = "Invoice number;Customer number;Date;Due date;Amount;Still open;Currency;Status\n"


def csv(*rows: str, head: str = HEAD) -> bytes:
    return (head + "\n".join(rows)).encode()


def test_a_new_invoice_is_created_from_its_row(cast: Cast) -> None:
    content = csv("INV-9;C-1;31.05.2024;14.06.2024;1.240,50;40,00;eur;Part paid")
    import_invoices(member=cast.bob, content=content)
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
    plan = plan_import(member=cast.bob, content=csv("INV-9;C-1;2024-05-31;;5;;EUR;"))
    assert [row.effect for row in plan.rows] == [Effect.CREATE]
    assert list(Invoice.objects.values()) == before


def test_our_own_export_changes_nothing_when_it_is_imported_again(cast: Cast) -> None:
    invoice(cast.acme, "=1+1", due_in=None, amount="-12.00", status=Status.CREDITED)
    before = list(Invoice.objects.order_by("id").values())
    content = export_invoices(invoices_for_member(cast.alice))
    plan = import_invoices(member=cast.alice, content=content)
    assert {row.effect for row in plan.rows} == {Effect.KEEP}
    assert list(Invoice.objects.order_by("id").values()) == before


def test_our_own_export_creates_the_same_invoices_in_another_organisation(cast: Cast) -> None:
    content = export_invoices(invoices_for_member(cast.alice))
    Invoice.objects.filter(organisation=cast.northwind).delete()
    import_invoices(member=cast.charlie, content=content)
    facts = ("number", "customer__name", "issued_on", "due_on", "amount", "open_amount", "status")
    ours, theirs = (
        set(invoices_for_member(member).values_list(*facts))
        for member in (cast.alice, cast.charlie)
    )
    assert {row[:1] + row[2:] for row in theirs} == {row[:1] + row[2:] for row in ours}


def test_columns_that_a_file_lacks_stay_unchanged(cast: Cast) -> None:
    content = csv("INV-1;C-1;2.50", head="Number;Customer;Amount\n")
    plan = import_invoices(member=cast.bob, content=content)
    [row] = plan.rows
    assert (row.effect, row.changes) == (Effect.CHANGE, ("amount", "still open"))
    changed = Invoice.objects.get(id=cast.open.id)
    assert (changed.amount, changed.due_on) == (Decimal("2.50"), cast.open.due_on)


@pytest.mark.parametrize("status", ["Paid", "Credited"])
def test_a_paid_or_cancelled_invoice_has_no_open_amount(cast: Cast, status: str) -> None:
    import_invoices(
        member=cast.bob,
        content=csv(
            f"INV-1;C-1;2024-05-01;EUR;5;{status}",
            f"INV-9;C-1;2024-05-01;EUR;5;{status}",
            head="Number;Customer;Date;Currency;Total;State\n",
        ),
    )
    both = Invoice.objects.filter(organisation=cast.harper, number__in=["INV-1", "INV-9"])
    assert [row.open_amount for row in both] == [0, 0]


def test_a_missing_customer_is_created_by_name(cast: Cast) -> None:
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    content = csv("INV-8;C-7;Cyan;2024-05-01;5;EUR", "INV-9;C-7;;2024-05-01;5;EUR", head=head)
    plan = import_invoices(member=cast.bob, content=content)
    assert plan.new_customers == {"C-7": "Cyan"}
    made = Customer.objects.get(organisation=cast.harper, number="C-7")
    assert {row.number for row in made.invoices.all()} == {"INV-8", "INV-9"}


def test_rows_of_one_organisation_never_touch_another(cast: Cast) -> None:
    before = Invoice.objects.filter(organisation=cast.northwind).values().get()
    import_invoices(member=cast.bob, content=csv("INV-1;C-1;2024-05-01;;5;5;USD;Open"))
    assert Invoice.objects.filter(organisation=cast.northwind).values().get() == before


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (";C-1;2024-05-01;;5;;EUR;", "The invoice number is missing."),
        ("INV-9;C-1;03/04/2024;;5;;EUR;", "two ways"),
        ("INV-9;C-1;2024-05-01;;1.240;;EUR;", "two ways"),
        ("INV-9;C-1;2024-05-01;;5;;EURO;", "isn't a currency"),
        ("INV-9;C-1;2024-05-01;;5;;EUR;Lost", "isn't a status"),
        ("INV-9;C-99;2024-05-01;;5;;EUR;", "Customer C-99 doesn't exist."),
        ("INV-9;;2024-05-01;;5;;EUR;", "needs: customer number"),
        ("INV-9;C-1;;;;;;", "needs: date, amount, currency"),
        ("INV-9;C-1;2024-05-01;2024-04-01;5;;EUR;", "The due date is before"),
        ("INV-9;C-1;2024-05-01;;5;6;EUR;", "The open amount is larger"),
        (f"{'9' * 101};C-1;2024-05-01;;5;;EUR;", "longer than 100"),
        ("INV-1;C-1;2024-05-01;2024-04-01;5;;EUR;", "The due date is before"),
        ('"INV\n9";C-1;2024-05-01;;5;;EUR;', "The invoice number contains a line break"),
        ('INV-9;"C\r\n1";2024-05-01;;5;;EUR;', "The customer number contains a line break"),
        ('INV-9;C-1;2024-05-01;;"1\n240.00";;EUR;', "The amount contains a line break"),
        ("INV\u202e-9;C-1;2024-05-01;;5;;EUR;", "another invisible character"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_reason(
    cast: Cast, row: str, reason: str
) -> None:
    plan = import_invoices(member=cast.bob, content=csv(row, "INV-10;C-1;2024-05-01;;5;;EUR;"))
    [refused] = plan.refused
    assert reason in " ".join(refused.reasons)
    assert refused.line == 2 + row.count("\n")
    assert [row.number for row in plan.created] == ["INV-10"]
    assert Invoice.objects.filter(number="INV-10").exists()
    assert not Invoice.objects.filter(number="INV-9").exists()


@pytest.mark.parametrize("name", ["A\nB", "A\u2028B", "A\u202eB", "A\u2069B", "A\u200bB", "A\x07B"])
def test_a_customer_is_not_created_with_a_name_that_nobody_can_see(cast: Cast, name: str) -> None:
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    content = csv(f'INV-9;C-7;"{name}";2024-05-01;5;EUR', head=head)
    [refused] = import_invoices(member=cast.bob, content=content).refused
    assert "The customer name contains a line break" in refused.reasons[0]
    assert not Customer.objects.filter(number="C-7").exists()


def test_an_invoice_may_appear_only_once_in_a_file(cast: Cast) -> None:
    row = "INV-9;C-1;2024-05-01;;5;;EUR;"
    plan = plan_import(member=cast.bob, content=csv(row, row))
    assert plan.refused[0].reasons == ("Line 2 already has this invoice.",)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("Customer;Date;Amount;Currency\n", "no column for: Invoice number"),
        ("Number;Invoice;Customer;Date;Amount;Currency\n", "Two columns have the same meaning"),
    ],
    ids=["missing", "twice"],
)
def test_a_file_without_the_required_columns_is_refused_completely(
    cast: Cast, head: str, sentence: str
) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        plan_import(member=cast.bob, content=csv("x", head=head))


def test_thousands_of_rows_are_imported_in_one_go(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    rows = [f"N-{number};C-1;2024-05-01;;5;;EUR;" for number in range(3000)]
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        plan = import_invoices(member=cast.bob, content=csv(*rows))
    assert len(plan.created) == 3000


# The pages.


def choose(client: Client, cast: Cast, content: bytes) -> HttpResponse:
    address = reverse("backoffice:invoice-import", args=[cast.harper.id])
    return client.post(address, {"file": SimpleUploadedFile("a.csv", content)})


def apply(client: Client, cast: Cast, token: str) -> HttpResponse:
    address = reverse("backoffice:invoice-import-apply", args=[cast.harper.id])
    return client.post(address, {"token": token})


def token_in(response: HttpResponse) -> str:
    found = re.search(r'name="token" value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


def test_a_member_previews_a_file_and_then_imports_it(cast: Cast) -> None:
    client = signed_in(cast.bob)
    content = csv("INV-9;C-1;2024-05-01;;5;;EUR;", "INV-8;C-9;2024-05-01;;5;;EUR;")
    preview = choose(client, cast, content)
    said = preview.content.decode()
    assert "Would create 1, change 0, leave 0 as they are, refuse 1." in said
    assert "Nothing has been written yet." in said
    assert "Customer C-9 doesn&#x27;t exist." in said
    assert not Invoice.objects.filter(number="INV-9").exists()
    done = apply(client, cast, token_in(preview))
    assert "Created 1, changed 0, left 0 as they were, refused 1." in done.content.decode()
    assert Invoice.objects.filter(number="INV-9").exists()


def test_nobody_else_can_import_the_file_that_a_member_chose(cast: Cast) -> None:
    token = token_in(choose(signed_in(cast.bob), cast, csv("INV-9;C-1;2024-05-01;;5;;EUR;")))
    response = apply(signed_in(cast.alice), cast, token)
    assert "Choose the file again" in response.content.decode()
    assert not Invoice.objects.filter(number="INV-9").exists()


def test_a_missing_file_is_a_problem_at_its_field(cast: Cast) -> None:
    address = reverse("backoffice:invoice-import", args=[cast.harper.id])
    response = signed_in(cast.bob).post(address)
    assert "No file was chosen." in response.content.decode()


def test_the_export_contains_the_listed_invoices(cast: Cast) -> None:
    address = reverse("backoffice:invoice-export", args=[cast.harper.id])
    response = signed_in(cast.vera).get(address, {"show": "paid"})
    assert response.headers["Content-Disposition"].startswith('attachment; filename="invoices-')
    lines = response.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith('"INV-3","C-1","Acme"')
