"""Every page that links lead to: for everybody, at every width, with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.crawl import crawl
from browser.editor import Editor
from browser.visitor import DANA, MAEVE, SAM

CHECK = Path(__file__).with_name("page_check.js").read_text(encoding="utf-8")


def walk(visitor, start: str) -> dict[str, list[str]]:
    """Visit one page of each kind that links lead to, and return the faults of each."""
    return {
        kind: [f"{url}: {fault}" for fault in visitor.page.evaluate(CHECK)]
        for kind, url in crawl(visitor, start)
    }


@pytest.mark.timeout(240)
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize(("email", "least"), [(DANA, 7), (MAEVE, 32)], ids=["contact", "member"])
def test_every_page_is_sound(email, least, phone, demo, visit):
    visitor = visit(demo, phone=phone)
    visitor.sign_in(email)
    faults = walk(visitor, visitor.page.url)
    assert [fault for found in faults.values() for fault in found] == []
    assert len(faults) >= least, sorted(faults)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/password", "/nowhere"])
def test_pages_for_strangers_are_sound(path, demo, visit):
    stranger = visit(demo, phone=True)
    stranger.expected_statuses.add(404)
    stranger.go(path)
    assert stranger.page.evaluate(CHECK) == []


FOCUS = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    id: element.id,
    name: `${element.tagName} ${element.getAttribute("aria-label") || element.textContent.trim()}`,
    isRinged: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none",
    isSeen: box.bottom > 0 && box.top < innerHeight,
  };
}"""


def press_tab_until(visitor, name: str, *, most: int = 60) -> None:
    """Press Tab until what has the focus is called *name*, or has that id.

    Each stop must be seen to have the focus.
    """
    for _ in range(most):
        visitor.page.keyboard.press("Tab")
        focus = visitor.page.evaluate(FOCUS)
        assert focus["isRinged"], focus
        assert focus["isSeen"], focus
        if name in focus["name"] or name == focus["id"]:
            return
    pytest.fail(f"Tab never came to {name}")


def test_the_keyboard_alone_is_enough_to_sign_in_view_and_download(demo, visit):
    dana = visit(demo)
    keyboard = dana.page.keyboard
    dana.go("/sign-in/password")
    keyboard.type(DANA)
    keyboard.press("Tab")
    keyboard.type(demo.state["password"])
    keyboard.press("Enter")
    dana.page.wait_for_url(f"{demo.address}/")
    press_tab_until(dana, "VIEW INV0000196")
    keyboard.press("Enter")
    expect(dana.page.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()
    press_tab_until(dana, "Download")
    with dana.page.expect_download() as waiting:
        keyboard.press("Enter")
    downloaded = Path(waiting.value.path()).read_bytes()
    assert downloaded == demo.sample_get("/invoices/INV0000196/pdf")


def test_the_keyboard_alone_is_enough_to_build_an_integration(own_demo, visit):
    sam = visit(own_demo)
    keyboard = sam.page.keyboard
    sam.sign_in(SAM)
    Editor(sam).delete("Alder & Finch billing")
    press_tab_until(sam, "Add integration")
    keyboard.press("Enter")
    sam.page.wait_for_url(re.compile("/integrations/add$"))
    press_tab_until(sam, "Add Custom integration")
    keyboard.press("Enter")
    sam.page.wait_for_url(re.compile("/integrations/new$"))
    type_into(sam, "name", "By keyboard")
    type_into(sam, "command-0-steps-0-url", f"{own_demo.sample_address}/invoices/{{{{invoiceN")
    expect(sam.page.get_by_role("option", name=re.compile("InvoiceNumber"))).to_be_visible()
    keyboard.press("Enter")
    keyboard.type("/pdf")
    expect(sam.page.locator("[id=command-0-steps-0-url]")).to_have_value(
        re.compile(r"/\{\{InvoiceNumber\}\}/pdf$")
    )
    type_into(sam, "command-0-steps-0-headers-0-name", "X-Api-Key")
    type_into(sam, "command-0-steps-0-headers-0-value", "{{ApiKey}}")
    keyboard.press("Escape")
    press_tab_until(sam, "Add secret")
    keyboard.press("Enter")
    expect(sam.page.locator("[id=secret-0-name]")).to_be_focused()
    keyboard.type("ApiKey")
    type_into(sam, "secret-0-value", own_demo.state["sample_key"])
    keyboard.press("Control+Enter")
    expect(sam.page.locator("[data-verdict]")).to_have_attribute("data-kind", "good")
    keyboard.press("Control+s")
    Editor(sam).expect_saved()


def type_into(visitor, id_: str, text: str) -> None:
    """Go to a field with Tab, and type."""
    press_tab_until(visitor, id_)
    visitor.page.keyboard.type(text)
