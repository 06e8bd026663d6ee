"""axe-core finds nothing on any page, in any state, narrow and wide, in light and dark."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.axe import EVERY_LOOK, LOOKS, findings
from browser.crawl import crawl
from browser.editor import Editor
from browser.visitor import DANA, INES, MAEVE, SAM

NAME = "Alder & Finch billing"
PALE = """() => {
  document.querySelector("main").insertAdjacentHTML("beforeend",
    `<p>plain</p><p class="pale visually-hidden">hidden</p>
     <p class="pale" id="pale">pale</p><p>plain</p>`);
  for (const each of document.querySelectorAll(".pale"))
    Object.assign(each.style, { color: "#808080", background: "#909090" });
}"""
"""The first of two texts of one kind is hidden: that kind is compared all the same."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("email", [DANA, INES, MAEVE], ids=["contact", "viewer", "owner"])
def test_axe_finds_nothing_on_pages_that_links_lead_to(email, demo, visit):
    visitor = visit(demo)
    visitor.sign_in(email)
    visitor.expected_statuses |= {404, 502}
    home = visitor.page.url
    found = {
        kind: faults
        for kind, url in crawl(visitor, home)
        if (faults := findings(visitor.page, looks=EVERY_LOOK if url == home else LOOKS))
    }
    assert not found, "\n".join(f"{kind}: {fault}" for kind in found for fault in found[kind])


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-in/password", "/nowhere", "/sign-out", "/backoffice/nothing"]
)
def test_axe_finds_nothing_on_pages_for_strangers(path, demo, visit):
    stranger = visit(demo)
    stranger.expected_statuses.add(404)
    stranger.go(path)
    assert findings(stranger.page) == []


def test_axe_finds_one_pale_text_among_others(demo, visit):
    stranger = visit(demo)
    stranger.go("/sign-in")
    stranger.page.evaluate(PALE)
    found = findings(stranger.page)
    assert found == ["320 light: color-contrast #pale", "1280 dark: color-contrast #pale"]


def test_axe_finds_nothing_where_a_code_is_asked_for(demo, visit):
    stranger = visit(demo)
    stranger.go("/sign-in")
    stranger.page.get_by_label("E-mail").fill("nobody@nowhere.example")
    stranger.page.get_by_role("button", name="Continue").click()
    stranger.page.get_by_label("Code").fill("123456")
    assert findings(stranger.page) == []
    stranger.page.get_by_role("button", name="Sign in").click()
    expect(stranger.page.get_by_text("This isn't the code we sent")).to_be_visible()
    assert findings(stranger.page) == []


@pytest.mark.parametrize(
    ("number", "is_there"),
    [
        ("INV0000022", ".page-text p"),
        ("INV0000187", "[data-failed]"),
        ("INV0000184", "[data-failed]"),
        ("INV0000190", "[data-waiting]:not([hidden])"),
    ],
    ids=["shown", "failed", "not made yet", "waiting"],
)
def test_axe_finds_nothing_in_each_state_of_a_document(number, is_there, demo, visit):
    dana = visit(demo)
    dana.expected_statuses |= {404, 502}
    dana.sign_in(DANA)
    dana.view_one_that_works()
    dana.find(number)
    dana.page.get_by_role("link", name=f"VIEW {number}").click()
    expect(dana.page.locator(is_there).first).to_be_attached()
    assert findings(dana.page) == []


def test_axe_finds_nothing_in_a_list_without_matches(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    dana.go("/?q=nothing-like-this&issued_from=2026-01-01")
    assert findings(dana.page) == []


@pytest.mark.timeout(600)
def test_axe_finds_nothing_in_each_state_of_the_editor(demo, visit):
    sam = visit(demo)
    sam.expected_statuses |= {422}
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.open(NAME)
    for fold in sam.page.locator("details").all():
        fold.evaluate("(fold) => (fold.open = true)")
    found = {"open": findings(sam.page)}
    for number, kind in (("INV0000022", "good"), ("INV0000187", "bad"), ("INV0000184", "bad")):
        editor.fill("try-number", number)
        editor.press("Send")
        expect(sam.page.locator(f"[data-verdict][data-kind={kind}]")).to_be_visible()
        found[f"tried {number}"] = findings(sam.page)
    editor.fill("command-0-steps-0-url", "nonsense/{{invoiceNumber}}")
    editor.press("Save")
    expect(sam.page.locator("#problems")).to_be_visible()
    found["with problems"] = findings(sam.page)
    editor.box("command-0-steps-0-url").press_sequentially("{{Inv")
    expect(sam.page.get_by_role("listbox")).to_be_visible()
    found["picker"] = findings(sam.page)
    assert {state: faults for state, faults in found.items() if faults} == {}
    sam.page.on("dialog", lambda dialog: dialog.accept())


def test_axe_finds_nothing_in_forms_with_problems(demo, visit):
    maeve = visit(demo)
    maeve.sign_in(MAEVE)
    home = re.match(r".*/backoffice/\w+", maeve.page.url)[0].removeprefix(demo.address)
    maeve.expected_statuses |= {422}
    found = {}
    for path, button in (
        ("/customers/new", "Save"),
        ("/invoices/new", "Save"),
        ("/invoices/import", "Preview the import"),
        ("/members", "Invite"),
        ("/keys", "Create key"),
        ("/webhooks", "Add webhook"),
        ("/settings", "Send a test mail"),
        ("/integrations/add/erpnext", "Save and try"),
        ("/integrations/import", "Open"),
    ):
        maeve.go(f"{home}{path}")
        pressed = maeve.page.get_by_role("main").get_by_role("button", name=button)
        if pressed.count():
            pressed.first.click()
            maeve.page.wait_for_load_state()
        found[path] = findings(maeve.page)
    assert {path: faults for path, faults in found.items() if faults} == {}
