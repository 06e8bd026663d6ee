"""The way of a member: choose a file, check the columns, preview, import, and undo."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.imports.models import FileImport, ImportState
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.services import enqueue
from portal.cast import Cast, signed_in
from portal.imports.files import csv, row
from portal.imports.test_files import xlsx


@pytest.fixture
def bob(cast: Cast) -> Client:
    return signed_in(cast.bob)


def choose(
    client: Client, cast: Cast, content: bytes, route: str = "invoice-import", name: str = "a.csv"
) -> HttpResponse:
    """Choose a file and follow to the page that comes then."""
    address = reverse(f"backoffice:{route}", args=[cast.harper.id])
    return client.post(address, {"file": SimpleUploadedFile(name, content)}, follow=True)


def address(route: str = "import") -> str:
    file_import = FileImport.objects.get()
    return reverse(f"backoffice:{route}", args=[file_import.organisation_id, file_import.id])


def press(client: Client, route: str, **data: str) -> HttpResponse:
    return client.post(address(route), data, follow=True)


def text_of(response: HttpResponse) -> str:
    """Return the text of a page, without its markup."""
    main = response.content.decode().split("<main")[1].split("</main>")[0]
    return " ".join(re.sub("<[^>]+>", " ", main).replace("&#x27;", "'").split())


def test_a_member_previews_a_file_and_then_imports_it(cast: Cast, bob: Client) -> None:
    content = csv("INV-9;C-1;2024-05-01;;5;;EUR;", "INV-8;C-9;2024-05-01;;5;;EUR;")
    preview = text_of(choose(bob, cast, content))
    assert "Nothing has been written yet." in preview
    assert "New 1 Changed 0 Unchanged 0 Refused 1" in preview
    assert "Customer C-9 doesn't exist." in preview
    assert not Invoice.objects.filter(number="INV-9").exists()
    done = text_of(press(bob, "import-confirm"))
    assert "Import finished" in done
    assert "New 1 Changed 0 Unchanged 0 Refused 1" in done
    assert Invoice.objects.filter(number="INV-9").exists()


def test_a_file_without_known_names_is_mapped_by_hand_and_remembered(
    cast: Cast, bob: Client
) -> None:
    rows = [["Vorgang", "Partner", "Tag", "Wert"], ["A-1", "C-1", "03/04/2025", "1.240"]]
    content = xlsx(rows)
    page = choose(bob, cast, content, name="offen.xlsx")
    assert "Columns of the file" in text_of(page)
    assert "Vorgang (A-1)" in text_of(page)
    chosen = {"field-number": "0", "field-customer_number": "1", "field-issued_on": "2"}
    chosen |= {"field-amount": "3", "sheet": "0", "heading": "1"}
    asked = press(bob, "import-columns", **chosen)
    assert asked.status_code == 422
    for question in ("order of day and month", "how amounts are written", "Write the currency"):
        assert question in text_of(asked)
    replies = {"order": "day", "sign": ",", "currency": "eur"}
    preview = text_of(press(bob, "import-columns", **chosen, **replies))
    assert "New 1" in preview
    assert "1,240.00 EUR" in preview
    press(bob, "import-confirm")
    made = Invoice.objects.get(number="A-1")
    assert (made.issued_on.isoformat(), made.currency) == ("2025-04-03", "EUR")

    FileImport.objects.all().delete()
    again = choose(bob, cast, xlsx([rows[0], ["A-2", "C-1", "31/12/2025", "7,50"]]))
    assert re.search(r'name="currency"[^>]*value="EUR"', again.content.decode())
    assert FileImport.objects.get().mapping["places"] == {
        "number": 0,
        "customer_number": 1,
        "issued_on": 2,
        "amount": 3,
    }


def test_a_needed_column_that_is_missing_is_a_problem_at_its_field(cast: Cast, bob: Client) -> None:
    choose(bob, cast, b"foo;bar\n1;2\n")
    response = press(bob, "import-columns", **{"sheet": "0", "heading": "1", "field-amount": "1"})
    assert response.status_code == 422
    assert "Invoice number: Choose the column with it." in text_of(response)


def test_a_field_that_several_columns_could_fill_says_so(cast: Cast, bob: Client) -> None:
    page = choose(bob, cast, b"Rechnungsnummer;Belegnummer;Betrag\n1;2;3\n")
    assert "Columns of the file" in text_of(page)
    assert text_of(page).count("Several columns could be this one.") == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"sheet": "9", "heading": "99999999999", "field-number": "-1"},
        {"sheet": "x", "heading": "", "field-number": "1e3", "order": "x", "sign": "x"},
        {"field-number": "100", "rows_of_one": "none"},
        {},
    ],
)
def test_a_form_that_no_browser_sends_is_harmless(
    cast: Cast, bob: Client, sent: dict[str, str]
) -> None:
    choose(bob, cast, b"foo;bar\n1;2\n")
    assert press(bob, "import-columns", **sent).status_code in {200, 422}


def test_the_row_with_the_names_and_the_sheet_can_be_chosen(cast: Cast, bob: Client) -> None:
    content = xlsx([["Nummer", "Betrag"]], [["Betrag", "x"], ["Rechnungsnr", "y"], ["A-1", "z"]])
    choose(bob, cast, content)
    press(bob, "import-columns", sheet="1", heading="1")
    page = press(bob, "import-columns", sheet="1", heading="2")
    assert FileImport.objects.get().mapping["heading"] == 1
    assert "Rechnungsnr (A-1)" in text_of(page)


def test_an_import_is_undone_after_a_page_that_says_what_that_does(cast: Cast, bob: Client) -> None:
    choose(bob, cast, csv(row("INV-9"), row("INV-1")))
    press(bob, "import-confirm")
    question = text_of(bob.get(address("import-undo")))
    assert "Remove 1 invoice that the import created." in question
    assert "Set 1 invoice back to what it was before." in question
    Invoice.objects.filter(number="INV-9").update(amount=7)
    done = text_of(press(bob, "import-undo"))
    assert "except for 1 row that was changed or used since" in done
    assert "INV-9" in done
    assert Invoice.objects.get(id=cast.open.id).amount == cast.open.amount


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_refused_rows_are_downloaded_with_their_reasons(
    cast: Cast, bob: Client, is_done: bool
) -> None:
    bad = "=cmd|calc;C-99;2024-05-01;;5;;EUR;"
    choose(bob, cast, csv(row("INV-9"), bad), name="märz.csv")
    if is_done:
        press(bob, "import-confirm")
    response = bob.get(address("import-refused"))
    assert "refused-m" in response.headers["Content-Disposition"]
    head, one, *rest = response.content.decode("utf-8-sig").splitlines()
    assert rest == []
    assert head.startswith('"Invoice number","Customer number","Date"')
    assert head.endswith('"Line in the file","Reason"')
    assert one.startswith('"\'=cmd|calc","C-99","2024-05-01"')
    assert "Customer C-99 doesn't exist." in one


def test_corrected_refused_rows_can_be_imported(cast: Cast, bob: Client) -> None:
    choose(bob, cast, csv("INV-9;C-99;2024-05-01;;5;;EUR;"))
    refused = bob.get(address("import-refused")).content
    FileImport.objects.all().delete()
    page = choose(bob, cast, refused.replace(b"C-99", b"C-1", 1))
    assert "New 1" in text_of(page)


def test_customers_are_imported_and_invited_only_when_asked(
    cast: Cast, bob: Client, sent_mail: Callable[[], None]
) -> None:
    content = b"Kundennummer;Firma;E-Mail;Ansprechpartner\nC-7;Cyan;cy@cyan.example;Cy\n"
    content += b"C-8;Delta;de@delta.example;De\n"
    page = choose(bob, cast, content, "customer-import")
    assert "New customers 2 New contacts 2" in text_of(page)
    done = press(bob, "import-confirm")
    assert "No invitation has been sent." in text_of(done)
    sent_mail()
    assert mail.outbox == []
    assert "Send 2 invitations?" in text_of(bob.get(address("import-invite")))
    assert "2 invitations are on their way." in text_of(press(bob, "import-invite"))
    sent_mail()
    assert {each.to[0] for each in mail.outbox} == {"cy@cyan.example", "de@delta.example"}
    press(bob, "import-invite")
    sent_mail()
    assert len(mail.outbox) == 2
    press(bob, "import-undo")
    assert not Contact.objects.filter(user__email="cy@cyan.example").exists()


def test_an_address_of_many_customers_gets_a_few_invitations(
    cast: Cast, bob: Client, sent_mail: Callable[[], None]
) -> None:
    rows = [f"C-{number};Office {number};books@acme.example;B\n" for number in range(20, 28)]
    content = "Kundennummer;Firma;E-Mail;Ansprechpartner\n" + "".join(rows)
    choose(bob, cast, content.encode(), "customer-import")
    press(bob, "import-confirm")
    report = text_of(press(bob, "import-invite"))
    assert "5 invitations are on their way. 3 were not sent" in report
    sent_mail()
    assert len(mail.outbox) == 5
    last = Customer.objects.get(number="C-27")
    new = {"email": "books@acme.example", "name": "B"}
    Contact.objects.filter(customer=last).delete()
    invite = reverse("backoffice:contact-invite", args=[cast.harper.id, last.id])
    page = text_of(bob.post(invite, new, follow=True))
    assert "No mail was sent: books@acme.example has had 5 invitations in the last day." in page
    assert Contact.objects.filter(customer=last).exists()


def test_a_missing_file_is_a_problem_at_its_field(cast: Cast, bob: Client) -> None:
    response = bob.post(reverse("backoffice:invoice-import", args=[cast.harper.id]))
    assert "No file was chosen." in response.content.decode()


def test_a_file_that_cannot_be_read_is_a_problem_at_its_field(cast: Cast, bob: Client) -> None:
    assert "neither a spreadsheet" in text_of(choose(bob, cast, b"\x89PNG\0"))
    assert FileImport.objects.get().state == ImportState.UNREADABLE
    assert not Invoice.objects.filter(number="INV-9").exists()


def test_a_file_that_was_not_imported_is_forgotten(cast: Cast, bob: Client) -> None:
    choose(bob, cast, csv(row()))
    page = press(bob, "import-discard")
    assert "Import invoices" in text_of(page)
    assert not FileImport.objects.exists()


def test_imports_are_listed_with_their_results(cast: Cast, bob: Client) -> None:
    choose(bob, cast, csv(row()), name="mai.csv")
    press(bob, "import-confirm")
    page = text_of(bob.get(reverse("backoffice:imports", args=[cast.harper.id])))
    assert "mai.csv" in page
    assert "Imported" in page


@pytest.mark.parametrize("route", ["import", "import-columns", "import-undo", "import-refused"])
def test_nobody_of_another_organisation_sees_an_import(cast: Cast, bob: Client, route: str) -> None:
    choose(bob, cast, csv(row()))
    [file_import] = FileImport.objects.all()
    charlie = signed_in(cast.charlie)
    for organisation in (cast.harper, cast.northwind):
        there = reverse(f"backoffice:{route}", args=[organisation.id, file_import.id])
        assert charlie.get(there).status_code == 404


def test_the_page_of_a_long_import_shows_how_far_it_is(cast: Cast, bob: Client) -> None:
    choose(bob, cast, csv(row()))
    FileImport.objects.update(state=ImportState.RUNNING, done=200, total=1000)
    enqueue("import", subject=FileImport.objects.get().id, after=timedelta(hours=1))
    response = bob.get(address())
    assert "200 of 1000 rows" in text_of(response)
    assert response.headers["Refresh"] == "2"


def test_the_export_contains_the_listed_invoices(cast: Cast) -> None:
    there = reverse("backoffice:invoice-export", args=[cast.harper.id])
    response = signed_in(cast.vera).get(there, {"show": "paid"})
    assert response.headers["Content-Disposition"].startswith('attachment; filename="invoices-')
    lines = response.getvalue().decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith('"INV-3","C-1","Acme"')
