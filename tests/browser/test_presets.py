"""A member picks a preset, fills in its fields, and makes another system of it in the form."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.editor import Editor
from browser.test_member import GOOD, NAME, expect_contact_gets
from browser.visitor import SAM

STEP = "command-0-steps-0"


def make_it_the_samples(editor):
    """Change ERPNext's request and authentication into a look-up and a request of the sample's."""
    editor.unfold("how", "authentication")
    editor.fill("authentication-field-name", "X-Api-Key")
    editor.fill("authentication-field-value", "{{ApiKey}}")
    editor.fill(f"{STEP}-url", "{{BaseUrl}}/invoices/{{Find.Number}}/pdf")
    editor.unfold("command-0-more")
    editor.press("Add a request before this one")
    expect(editor.box("command-0-steps-1-url")).to_be_visible()
    editor.fill(f"{STEP}-url", "{{BaseUrl}}/invoices")
    editor.unfold(f"{STEP}-extract")
    editor.page.locator(f"[id='add-{STEP}-extract']").click()
    expect(editor.box(f"{STEP}-extract-0-name")).to_be_visible()
    editor.fill(f"{STEP}-extract-0-name", "Number")
    editor.fill(f"{STEP}-extract-0-path", "$.invoices[?@.number == {{invoiceNumber}}].number")

    editor.save()
    problem = editor.expect_mistake(f"{STEP}-extract-0-path", "{{InvoiceNumber}}")
    problem.get_by_role("button", name=re.compile("^Use ")).click()
    expect(editor.box(f"{STEP}-extract-0-path")).to_have_value(
        "$.invoices[?@.number == {{InvoiceNumber}}].number"
    )


@pytest.mark.parametrize(
    ("phone", "scripts"),
    [(False, True), (True, True), (False, False)],
    ids=["desk", "phone", "without scripts"],
)
def test_a_preset_can_be_adapted_to_another_system(phone, scripts, own_demo, visit):
    sam = visit(own_demo, phone=phone, scripts=scripts)
    sam.expected_statuses.add(422)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.delete(NAME)
    editor.begin_with_preset("ERPNext")
    sam.shoot("preset")

    editor.press("Save and try")
    expect(sam.page.locator("[id='field-BaseUrl-error']")).to_contain_text("Fill in")
    key = own_demo.state["sample_key"]
    editor.fill("field-BaseUrl", own_demo.sample_address)
    editor.fill("field-ApiKey", key)
    editor.fill("field-ApiSecret", "not-needed-there")
    editor.fill("name", "Mine")
    editor.press("Save and try")
    editor.expect_saved()
    if not scripts:  # with them it is tried at once
        sam.page.locator("[data-send]").click()
    verdict = sam.page.locator("[data-verdict]")
    expect(verdict).to_contain_text("did not accept the credentials")
    assert key not in sam.page.content()
    assert not sam.scrolls_sideways()
    sam.shoot("refused")

    make_it_the_samples(editor)
    sam.shoot("mistake")
    editor.fill("secret-0-value", key)  # it was typed for other requests
    verdict = editor.try_it("INV0000001")
    expect(verdict).to_contain_text(GOOD)
    tried = sam.page.locator(".tried > li")
    expect(tried).to_have_count(2)
    expect(tried.first).to_contain_text("Find, response 200")
    expect(tried.first).to_contain_text("Find.Number")
    sam.shoot("tried")
    editor.save()
    editor.expect_saved()
    assert key not in sam.page.content()
    expect_contact_gets("INV0000001", own_demo, visit)


def test_a_step_is_built_and_moved_by_keyboard_and_folds_stay_as_they_are(own_demo, visit):
    sam = visit(own_demo)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.go_to_list()
    editor.begin()
    editor.unfold("command-0-limits", "command-0-more")
    sam.page.get_by_role("button", name="Add a request before this one").press("Enter")
    expect(editor.box(f"{STEP}-url")).to_be_focused()
    assert sam.page.locator("[id='fold-command-0-limits']").get_attribute("open") is not None
    editor.unfold(f"{STEP}-extract")
    sam.page.locator(f"[id='add-{STEP}-extract']").press("Enter")
    expect(editor.box(f"{STEP}-extract-0-name")).to_be_focused()
    sam.page.keyboard.type("Id")
    editor.box("command-0-steps-1-url").press_sequentially("https://a.example/{{Find.")
    expect(sam.page.get_by_role("option", name=re.compile("Find.Id"))).to_be_visible()
    sam.page.keyboard.press("Enter")
    expect(editor.box("command-0-steps-1-url")).to_have_value("https://a.example/{{Find.Id}}")
    editor.box("command-0-steps-1-url").press_sequentially("/{{Find.Id|oda")
    sam.page.keyboard.press("Enter")
    expect(editor.box("command-0-steps-1-url")).to_have_value(
        "https://a.example/{{Find.Id}}/{{Find.Id|odata}}"
    )
    sam.page.get_by_role("button", name="Move Find Down").press("Enter")
    expect(editor.box("command-0-steps-1-name")).to_have_value("Find")
    expect(editor.box("command-0-steps-1-name")).to_be_focused()


def test_fields_that_a_choice_makes_irrelevant_are_hidden_and_kept(demo, visit):
    sam = visit(demo, scripts=False)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.go_to_list()
    editor.begin()
    editor.unfold("command-0-more", "command-0-answer")
    where = editor.box("command-0-steps-0-answer-path")
    expect(where).to_be_hidden()
    editor.choose("command-0-steps-0-answer-kind", "base64")
    where.fill("$.content")
    editor.choose("command-0-steps-0-answer-kind", "zip")
    expect(where).to_be_hidden()
    expect(editor.box("command-0-steps-0-answer-pattern")).to_be_visible()
    editor.choose("command-0-steps-0-answer-kind", "base64")
    expect(where).to_have_value("$.content")
