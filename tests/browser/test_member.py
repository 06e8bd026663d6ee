"""The visit of a member, who builds the Custom integration, tries it, and sees every run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.editor import Editor
from browser.visitor import DANA, INES, MAEVE, SAM
from demo_process import DemoProcess

NAME = "Alder & Finch billing"
GOOD = "This is the document that your customers will see"
PDF = "{{BaseUrl}}/invoices/{{InvoiceNumber}}/pdf"


def expect_contact_gets(number: str, demo: DemoProcess, visit) -> None:
    """See that a contact's VIEW shows what the billing system makes."""
    dana = visit(demo)
    dana.sign_in(DANA)
    dana.go(f"/?q={number}")
    dana.page.get_by_role("link", name=f"VIEW {number}").click()
    expect(dana.page.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()
    path = dana.page.url.removeprefix(demo.address)
    assert dana.fetch(f"{path}/document").body() == demo.sample_get(f"/invoices/{number}/pdf")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_member_builds_the_integration_from_nothing(phone, own_demo, visit):
    sam = visit(own_demo, phone=phone)
    sam.expected_statuses.add(422)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.delete(NAME)
    sam.shoot("no-integration")
    editor.begin()

    editor.fill("name", "My billing")
    editor.fill("command-0-steps-0-url", "{{BaseUrl}}/invoices/{{invoicenumber}}/pdf")
    editor.fill("command-0-steps-0-headers-0-name", "X-Api-Key")
    editor.fill("command-0-steps-0-headers-0-value", "{{ApiKey}}")
    editor.add_header("X-Not-Needed", "1")
    editor.remove_header(1)
    expect(editor.box("command-0-steps-0-headers-1-name")).to_have_count(0)
    editor.add_variable("BaseUrl", own_demo.sample_address)
    editor.add_secret("ApiKey", own_demo.state["sample_key"])
    editor.save()

    problem = editor.expect_mistake("command-0-steps-0-url", "{{InvoiceNumber}}")
    sam.shoot("mistake")
    problem.get_by_role("button", name=re.compile("^Use ")).click()
    expect(editor.box("command-0-steps-0-url")).to_have_value(PDF)

    verdict = editor.try_it("INV0000001")
    expect(verdict).to_contain_text(GOOD)
    expect(sam.page.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()
    request = sam.page.locator("[data-request]")
    expect(request).to_contain_text(f"GET {own_demo.sample_address}/invoices/INV0000001/pdf")
    expect(request).to_contain_text("••••••")
    assert own_demo.state["sample_key"] not in sam.page.content()
    assert not sam.scrolls_sideways()
    sam.shoot("tried")

    editor.save()
    editor.expect_saved()
    assert own_demo.state["sample_key"] not in sam.page.content()
    expect_contact_gets("INV0000001", own_demo, visit)


def test_without_scripts_the_form_saves_and_view_works(own_demo, visit):
    sam = visit(own_demo, scripts=False)
    sam.expected_statuses.add(422)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.delete(NAME)
    editor.begin()
    editor.fill("name", "Without scripts")
    editor.fill("command-0-steps-0-url", PDF)
    editor.fill("command-0-steps-0-headers-0-name", "Accept")
    editor.fill("command-0-steps-0-headers-0-value", "application/pdf")
    editor.add_header("X-Api-Key", "{{ApiKey}}")
    editor.add_variable("BaseUrl", own_demo.sample_address)
    editor.add_secret("ApiKey", own_demo.state["sample_key"])
    verdict = editor.try_it("INV0000002")
    expect(verdict).to_contain_text(GOOD)
    sam.shoot("tried")
    editor.save()
    editor.expect_saved()
    expect_contact_gets("INV0000004", own_demo, visit)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("Form data", "key1=value1&key2={{InvoiceNumber}}"),
        ("JSON", '{ "key1": "value1", "key2": {{InvoiceNumber}} }'),
    ],
    ids=["form data", "JSON"],
)
def test_both_example_bodies_of_the_original_page_work(content_type, body, own_demo, visit):
    sam = visit(own_demo)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.open(NAME)
    editor.choose("command-0-steps-0-method", "POST")
    editor.fill("command-0-steps-0-url", "{{BaseUrl}}/items/{{InvoiceNumber}}")
    editor.fill("command-0-steps-0-body", body)
    command = editor.page.locator("#command-0")
    set_type = command.get_by_role("button", name=f"Set {content_type}")
    set_type.click()
    expect(set_type).to_have_count(0)
    editor.fill("secret-0-value", own_demo.state["sample_key"])  # it was typed for other requests
    verdict = editor.try_it("INV0000007")
    expect(verdict).to_contain_text(GOOD)
    sam.shoot("body")
    editor.save()
    editor.expect_saved()
    expect_contact_gets("INV0000007", own_demo, visit)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("INV0000187", "500"),
        ("INV0000181", "web page"),
        ("INV0000184", "has no such document"),
        ("INV9999999", "has no such document"),
    ],
    ids=["failing", "a sign-in page", "not yet created", "unknown"],
)
def test_a_try_that_fails_says_why(number, sentence, demo, visit):
    sam = visit(demo)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.open(NAME)
    verdict = editor.try_it(number)
    expect(verdict).to_contain_text(sentence)
    expect(verdict).to_have_attribute("data-kind", "bad")
    expect(sam.page.locator("[data-request]")).to_contain_text(f"/invoices/{number}/pdf")
    sam.shoot("failed")


def test_the_run_number_that_a_contact_sees_leads_to_the_run(demo, visit):
    dana, maeve = visit(demo), visit(demo)
    dana.expected_statuses.add(502)
    dana.sign_in(DANA)
    dana.view_one_that_works()
    dana.go("/?q=INV0000187")
    dana.page.get_by_role("link", name="VIEW INV0000187").click()
    number = dana.page.get_by_role("alert").locator(".mono").inner_text()
    maeve.sign_in(MAEVE)
    Editor(maeve).go_to_list()
    base = maeve.page.url.removeprefix(demo.address).removesuffix("/integrations")
    response = maeve.until_found(f"{base}/runs/{number}")
    assert response.status == 200
    main = maeve.page.get_by_role("main")
    for fact in ("INV0000187", "source-status", "500", "Dana Reyes"):
        expect(main).to_contain_text(fact)
    maeve.shoot("run")


def test_a_viewer_sees_the_integration_and_can_change_nothing(demo, visit):
    ines = visit(demo)
    ines.sign_in(INES)
    editor = Editor(ines)
    editor.open(NAME)
    main = ines.page.get_by_role("main")
    expect(main).to_contain_text("You can look at this integration, and change nothing")
    expect(main).to_contain_text(f"GET {PDF}")
    expect(main.locator("button, input, select, textarea")).to_have_count(0)
    ines.shoot("read-only")
    ines.expected_statuses.add(403)
    assert ines.go(f"{ines.page.url.removeprefix(demo.address)}/delete").status == 403


def test_after_the_end_of_a_session_the_form_comes_back_filled(own_demo, visit):
    sam = visit(own_demo)
    sam.expected_statuses.add(403)  # of the preview, if it is asked for before Save
    sam.sign_in(SAM, again=True)
    editor = Editor(sam)
    editor.open(NAME)
    editor.fill("name", "Typed for an hour")
    editor.add_variable("Region", "west")
    sam.page.context.clear_cookies(name="billhook")
    editor.press("Save")
    sam.page.get_by_role("link", name="Use a password instead").click()
    sam.fill_in_password(SAM)
    expect(sam.page.get_by_role("status")).to_contain_text("Here is what you typed")
    expect(editor.box("name")).to_have_value("Typed for an hour")
    expect(editor.box("variable-1-value")).to_have_value("west")
    sam.shoot("typed-again")
    editor.press("Save")
    editor.expect_saved()
