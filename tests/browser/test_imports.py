"""The way of a member who imports a German Excel file, and one with customers and contacts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from playwright.sync_api import Page, expect

from browser.axe import findings
from browser.visitor import SAM, Visitor
from demo_process import DemoProcess

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
INVOICES: list[list[object]] = [
    ["Offene Posten", "", "", "", "", "", ""],
    ["Stand:", date(2025, 12, 31), "", "", "", "", ""],
    [],
    ["Vorgang", "Kd-Nr", "Kunde", "Rechnungsdatum", "Fällig am", "Bruttobetrag (EUR)", "Status"],
    [
        "00123",
        "9001",
        "Müller & Söhne GmbH",
        date(2025, 12, 1),
        date(2025, 12, 31),
        1240.5,
        "Offen",
    ],
    ["00124", "9001", "", date(2025, 12, 2), "", -75.63, "Bezahlt"],
    [2.4952e19, "9001", "", date(2025, 12, 3), "", 5, "Offen"],
]
CUSTOMERS = (
    "Kundennummer;Firma;Sprache;E-Mail;Ansprechpartner\n"
    "9001;Müller & Söhne GmbH;de;petra@mueller.example;Petra Müller\n"
    "9002;Straße AG;;jo@strasse.example;Jo\n"
).encode("cp1252")


def excel(rows: list[list[object]]) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet("Offene Posten")
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for line, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(line, column, cell, day)
                else:
                    sheet.write(line, column, cell)
    return written.getvalue()


def look(visitor: Visitor, what: str) -> None:
    """See that the page is sound in every look, and keep a picture of it."""
    visitor.shoot(what)
    assert not visitor.scrolls_sideways()
    assert findings(visitor.page) == []


def open_import(visitor: Visitor, section: str) -> Page:
    """Go to the page on which a file is chosen, by the links that people have."""
    page = visitor.page
    if visitor.is_phone:
        page.locator(".sections-small summary").click()
    page.get_by_role("navigation").get_by_role("link", name=section, exact=True).locator(
        "visible=true"
    ).first.click()
    page.get_by_role("link", name=re.compile("^Import")).first.click()
    return page


def choose(page: Page, name: str, content: bytes, media_type: str = EXCEL) -> None:
    page.get_by_label("Spreadsheet or CSV file").set_input_files(
        {"name": name, "mimeType": media_type, "buffer": content}
    )
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(
    ("phone", "scripts"),
    [(False, True), (True, True), (False, False)],
    ids=["desk", "phone", "plain"],
)
def test_a_german_excel_file_is_mapped_previewed_imported_and_undone(
    phone: bool, scripts: bool, own_demo: DemoProcess, visit: Callable[..., Visitor]
) -> None:
    sam = visit(own_demo, phone=phone, scripts=scripts)
    sam.expected_statuses.add(422)
    check = look if scripts else (lambda visitor, what: visitor.shoot(what))
    sam.sign_in(SAM)
    page = open_import(sam, "Invoices")
    check(sam, "choose")
    choose(page, "offene posten.xlsx", excel(INVOICES))

    expect(page.get_by_role("heading", name="Columns of the file")).to_be_visible()
    expect(page.get_by_label("Customer number")).to_have_value("1")
    expect(page.get_by_label("Line with the names of the columns")).to_have_value("4")
    check(sam, "columns")
    page.get_by_role("button", name="Preview the import").click()
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("Invoice number: Choose the column with it.")
    check(sam, "columns-problem")
    problem.get_by_role("link").first.click()
    page.get_by_label("Invoice number").select_option("0")
    if scripts:
        samples = page.locator("[id='field-number_samples']")
        expect(samples).to_contain_text("00123 · 00124")
    page.get_by_role("button", name="Preview the import").click()

    expect(page.get_by_role("heading", name="Preview of the import")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Nothing has been written yet.")
    expect(page.get_by_role("main")).to_contain_text("1,240.50 EUR")
    expect(page.get_by_role("main")).to_contain_text("it keeps only 15 digits of a number")
    check(sam, "preview")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download with reasons").click()
    assert waiting.value.suggested_filename == "refused-offene posten.csv"
    page.get_by_role("button", name="Import the rest").click()

    expect(page.get_by_role("heading", name="Import finished")).to_be_visible()
    check(sam, "result")
    page.get_by_role("link", name="Undo this import").click()
    expect(page.get_by_role("main")).to_contain_text("Remove 2 invoices that the import created.")
    check(sam, "undo")
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_role("main")).to_contain_text("Everything is as it was before the import.")
    check(sam, "undone")

    page.get_by_role("link", name="Import another file").click()
    choose(page, "offene posten.xlsx", excel(INVOICES))
    expect(page.get_by_role("heading", name="Preview of the import")).to_be_visible()
    page.get_by_role("link", name="Imports", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("Undone"))).to_be_visible()
    check(sam, "list")


def test_customers_and_contacts_are_imported_and_then_invited(
    own_demo: DemoProcess, visit: Callable[..., Visitor]
) -> None:
    sam = visit(own_demo)
    sam.sign_in(SAM)
    page = open_import(sam, "Customers")
    choose(page, "kunden.csv", CUSTOMERS, "text/csv")
    main = page.get_by_role("main")
    expect(main).to_contain_text("Müller & Söhne GmbH, petra@mueller.example")
    look(sam, "preview")
    page.get_by_role("button", name="Import all").click()
    expect(main).to_contain_text("No invitation has been sent.")
    look(sam, "result")
    page.get_by_role("link", name="Invite 2 new contacts").click()
    look(sam, "invite")
    page.get_by_role("button", name="Send").click()
    expect(main).to_contain_text("2 invitations are on their way.")
    page.get_by_role("link", name="Show the customers").click()
    page.get_by_role("link", name="Straße AG").click()
    expect(main).to_contain_text("jo@strasse.example")


def test_the_keyboard_alone_is_enough_to_map_a_column(
    demo: DemoProcess, visit: Callable[..., Visitor]
) -> None:
    sam = visit(demo)
    sam.sign_in(SAM)
    page = open_import(sam, "Invoices")
    choose(page, "posten.csv", b"Vorgang;Betrag;Betrag in EUR\nA-1;5;7\n", "text/csv")
    select = page.get_by_label("Invoice number")
    select.focus()
    page.keyboard.type("Vor")
    expect(select).to_have_value("0")
    seen: list[Any] = []
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.name"))
    assert seen == [
        "field-customer_number",
        "field-customer_name",
        "field-issued_on",
        "field-due_on",
    ]
    page.get_by_role("button", name="Choose another file").click()
    expect(page.get_by_role("heading", name="Import invoices")).to_be_visible()
