"""The meaning of columns is guessed in six languages, and remembered when a person chose it."""

from __future__ import annotations

import pytest

from billhook.portal.imports import services
from billhook.portal.imports.access import remembered_columns
from billhook.portal.imports.columns.fields import ImportKind, fields_of
from billhook.portal.imports.columns.guess import Guess, Remembered, guess_mapping, is_heading
from billhook.portal.imports.columns.headings import LANGUAGES, plain
from billhook.portal.imports.columns.mapping import (
    Mapping,
    RowsOfOne,
    column_letters,
    mapping_from_json,
)
from billhook.portal.imports.reading.file import open_table, read_file
from billhook.portal.imports.values.dates import DayOrder
from portal.cast import Cast
from portal.imports.test_files import xlsx

NOTHING = Remembered(fields={})


def guessed(
    *lines: str, kind: ImportKind = ImportKind.INVOICES, remembered: Remembered = NOTHING
) -> Guess:
    content = "\n".join(lines).encode()
    table = open_table(read_file(content, is_heading=is_heading, max_rows=1000))
    return guess_mapping(table, kind, remembered)


def names(guess: Guess) -> dict[str, int]:
    return dict(guess.mapping.places)


HEADINGS = {
    "English": "Invoice no.|Customer no.|Company|Invoice date|Due date|Total incl. VAT|Balance|Ccy",
    "German": "Rechnungs-Nr.|Kd-Nr|Firma|Rechnungsdatum|Fällig am|Bruttobetrag|Offen|Währung",
    "German in ASCII": "Belegnr|Kundennummer|Kunde|Datum|Faelligkeit|Betrag|Restbetrag|Waehrung",
    "French": "N° de facture|Code client|Raison sociale|Date d’émission|Échéance|Montant TTC|"
    "Reste à payer|Devise",
    "Spanish": "Nº de factura|Cód. cliente|Razón social|Fecha de emisión|Vencimiento|"
    "Importe total|Pendiente|Moneda",
    "Dutch": "Factuurnummer|Klantnr.|Bedrijfsnaam|Factuurdatum|Vervaldatum|Bedrag incl. btw|"
    "Openstaand bedrag|Valuta",
    "Italian": "N. fattura|Codice cliente|Ragione sociale|Data emissione|Scadenza|"
    "Totale fattura|Da pagare|Divisa",
}


@pytest.mark.parametrize("heading", HEADINGS.values(), ids=HEADINGS)
def test_the_names_of_columns_are_recognised(heading: str) -> None:
    assert names(guessed(heading)) == {
        "number": 0,
        "customer_number": 1,
        "customer_name": 2,
        "issued_on": 3,
        "due_on": 4,
        "amount": 5,
        "open_amount": 6,
        "currency": 7,
    }


@pytest.mark.parametrize("kind", list(ImportKind))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_listed_name_is_recognised_alone(kind: ImportKind, language: str) -> None:
    for field in fields_of(kind):
        for name in field.names[language].split("|"):
            assert field.name in names(guessed(f"x{name}y;{name}", kind=kind)), name


def test_no_name_means_two_fields() -> None:
    for kind in ImportKind:
        seen: dict[str, str] = {}
        for field in fields_of(kind):
            for name in field.plain_names:
                assert seen.setdefault(name, field.name) == field.name, name


@pytest.mark.parametrize(
    ("heading", "cells", "field"),
    [
        ("Number;Customer", "1;C-100", "customer_number"),
        ("Number;Customer", "1;Acme GmbH", "customer_name"),
        ("Nummer;Kundennummer;Kunde", "1;C-1;Acme 24", "customer_name"),
    ],
)
def test_the_cells_show_whether_a_customer_is_a_number_or_a_name(
    heading: str, cells: str, field: str
) -> None:
    assert names(guessed(heading, cells))[field] == len(heading.split(";")) - 1


@pytest.mark.parametrize(
    ("heading", "currency"),
    [
        ("Betrag (EUR)", "EUR"),
        ("Amount in USD", "USD"),
        ("Total €", "EUR"),
        ("Montant TTC en CHF", "CHF"),
        ("Amount", ""),
        ("Amount (net)", ""),
    ],
)
def test_the_name_of_the_amount_may_say_the_currency(heading: str, currency: str) -> None:
    guess = guessed(f"Number;{heading}")
    assert (names(guess)["amount"], guess.mapping.currency) == (1, currency)


def test_a_name_next_to_an_e_mail_address_is_that_of_the_contact() -> None:
    kind = ImportKind.CUSTOMERS
    assert names(guessed("Number;Name;E-mail", kind=kind)) == {
        "customer_number": 0,
        "contact_name": 1,
        "email": 2,
    }
    assert names(guessed("Number;Name", kind=kind)) == {"customer_number": 0, "customer_name": 1}
    assert names(guessed("Number;Company;Name;E-mail", kind=kind))["contact_name"] == 2


def test_the_sheet_with_the_names_is_chosen() -> None:
    content = xlsx([["Report"], ["made for you"]], [["x"], ["Rechnungsnummer", "Betrag"], ["1", 2]])
    table = open_table(read_file(content, is_heading=is_heading, max_rows=1000))
    found = guess_mapping(table, ImportKind.INVOICES, NOTHING).mapping
    assert (found.sheet, found.heading) == (1, 1)


def test_a_choice_is_remembered_by_the_names_of_the_columns(cast: Cast) -> None:
    content = b"Vorgang;Total;Sonst\nA-1;5;x\n"
    started = services.start_import(
        organisation=cast.harper, user=None, kind=ImportKind.INVOICES, content=content
    )
    assert not started.is_sure
    mapping = Mapping(places={"number": 0, "amount": 2}, currency="CHF")
    services.choose_columns(file_import=started, mapping=mapping)
    remembered = remembered_columns(cast.harper, ImportKind.INVOICES)
    guess = guessed("Total;Neu;Sonst;VORGANG", "1;2;3;4", remembered=remembered)
    assert names(guess) == {"amount": 2, "number": 3}
    assert guess.mapping.currency == "CHF"
    assert remembered_columns(cast.northwind, ImportKind.INVOICES).fields == {}


def test_a_mapping_is_stored_and_read_again() -> None:
    mapping = Mapping(
        sheet=1,
        heading=2,
        places={"number": 3},
        order=DayOrder.MONTH_FIRST,
        sign=",",
        rows_of_one=RowsOfOne.ADD,
        currency="EUR",
    )
    assert mapping_from_json(mapping.as_json()) == mapping


def test_columns_have_the_letters_of_a_spreadsheet() -> None:
    assert [column_letters(place) for place in (0, 25, 26, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
    ]


def test_names_are_compared_without_signs_and_capitals() -> None:
    assert plain("N° de Facture*") == plain("n de facture")
    assert plain("Fälligkeitsdatum") == plain("FALLIGKEITS-DATUM")


EXPORTS = {
    "Stripe": (
        (
            "id,Amount Due,Billing,Closed,Currency,Customer,Date (UTC),Due Date (UTC),Number,"
            "Subtotal,"
            "Tax,Total,Amount Paid,Status"
        ),
        "in_1,0,x,TRUE,usd,cus_9s6,2025-12-31 14:03,2026-01-30 14:03,A-1,4,1,5,5,paid",
        {"source_id": 0, "open_amount": 1, "currency": 4, "customer_number": 5, "issued_on": 6}
        | {"due_on": 7, "number": 8, "amount": 11, "status": 13},
    ),
    "QuickBooks": (
        "Date,Transaction Type,Num,Name,Memo,Due Date,Amount,Open Balance",
        "12/31/2025,Invoice,1001,Acme,,01/30/2026,5.00,5.00",
        {"issued_on": 0, "number": 2, "customer_name": 3, "due_on": 5, "amount": 6}
        | {"open_amount": 7},
    ),
    "Zoho": (
        (
            "Invoice Date,Invoice ID,Invoice Number,Invoice Status,Customer ID,Customer Name,"
            "Due Date,"
            "Currency Code,Total,Balance"
        ),
        "2025-12-31,460000000026049,INV-1,Sent,460000000026001,Acme,2026-01-30,EUR,5,5",
        {"issued_on": 0, "source_id": 1, "number": 2, "status": 3, "customer_number": 4}
        | {"customer_name": 5, "due_on": 6, "currency": 7, "amount": 8, "open_amount": 9},
    ),
    "Xero": (
        (
            "*ContactName,EmailAddress,*InvoiceNumber,Reference,*InvoiceDate,*DueDate,Total,"
            "InvoiceAmountPaid,InvoiceAmountDue,LineAmount,Currency,Type,Status"
        ),
        "Acme,a@acme.example,INV-1,PO-7,31/12/2025,30/01/2026,5.00,0,5.00,5.00,GBP,x,Authorised",
        {"customer_name": 0, "number": 2, "issued_on": 4, "due_on": 5, "amount": 6}
        | {"open_amount": 8, "currency": 10, "status": 12},
    ),
    "lexware": (
        "Belegnummer;Kunde;Kundennummer;Belegdatum;Fälligkeitsdatum;Bruttobetrag in EUR;Status",
        "RE-1;Acme;10001;31.12.2025;30.01.2026;5,00;offen",
        {"number": 0, "customer_name": 1, "customer_number": 2, "issued_on": 3, "due_on": 4}
        | {"amount": 5, "status": 6},
    ),
    "Exact": (
        "Factuurnummer;Debiteur;Naam;Factuurdatum;Vervaldatum;Bedrag;Openstaand;Valuta",
        "250001;4001;Acme BV;31-12-2025;30-01-2026;5,00;5,00;EUR",
        {"number": 0, "customer_number": 1, "customer_name": 2, "issued_on": 3, "due_on": 4}
        | {"amount": 5, "open_amount": 6, "currency": 7},
    ),
}


@pytest.mark.parametrize(("heading", "cells", "places"), EXPORTS.values(), ids=EXPORTS)
def test_the_exports_of_well_known_programs_are_understood(
    heading: str, cells: str, places: dict[str, int]
) -> None:
    guess = guessed(heading, cells)
    assert names(guess) == places
    assert guess.twice == ()
