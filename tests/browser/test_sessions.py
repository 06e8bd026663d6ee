"""A session with several requests is built and saved in the editor, on a desk and a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.editor import Editor
from browser.visitor import SAM

FIRST, SECOND = "authentication-requests-0", "authentication-requests-1"
URL = "https://billing.example.com/login"


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_member_builds_a_session_with_a_login_form(phone, own_demo, visit):
    sam = visit(own_demo, phone=phone)
    sam.expected_statuses.add(422)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.go_to_list()
    editor.begin()
    editor.fill("name", "Behind a form")
    editor.fill("command-0-steps-0-url", "https://billing.example.com/{{InvoiceNumber}}.pdf")
    editor.add_secret("Password", "s3cret-value")
    editor.unfold("authentication")
    editor.choose("authentication-scheme", "session")
    editor.choose("authentication-field-cookies", "yes")
    editor.fill(f"{FIRST}-url", URL)
    editor.unfold(f"{FIRST}-extract")
    sam.page.locator(f"[id='add-{FIRST}-extract']").click()
    editor.fill(f"{FIRST}-extract-0-name", "Csrf")
    editor.choose(f"{FIRST}-extract-0-how", "regex")
    editor.fill(f"{FIRST}-extract-0-path", 'name="csrf" value="([^"]+)"')
    sam.page.locator("[id='add-authentication-requests']").click()
    editor.choose(f"{SECOND}-method", "POST")
    editor.fill(f"{SECOND}-url", URL)
    editor.fill(f"{SECOND}-body", "csrf={{Session.Csfr}}&password={{Password}}")
    editor.save()
    problem = editor.expect_mistake(f"{SECOND}-body", "{{Session.Csrf}}")
    sam.shoot("session-mistake")
    problem.get_by_role("button").click()
    expect(editor.box(f"{SECOND}-body")).to_have_value(
        "csrf={{Session.Csrf}}&password={{Password}}"
    )
    assert not sam.scrolls_sideways()
    sam.shoot("session")
    editor.save()
    editor.expect_saved()
    assert sam.faults == []
