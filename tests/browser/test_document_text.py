"""The document on the page is text: selected, searched, read aloud, and sharp when enlarged."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from browser.visitor import DANA

SELECTED = """([first, last]) => {
  const lines = [...document.querySelectorAll(".page-text p")];
  const range = document.createRange();
  range.setStartBefore(lines.find((line) => line.textContent.includes(first)));
  range.setEndAfter(lines.find((line) => line.textContent.includes(last)));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  return getSelection().toString();
}"""
BOXES = """() => [...document.querySelectorAll(".page-text p")].map((line) => {
  const box = line.getBoundingClientRect(), page = line.parentElement.getBoundingClientRect();
  const wanted = Number(line.dataset.width), width = box.width / page.width;
  return { text: line.textContent, wanted, width,
    isInside: box.left >= page.left - 1 && box.right <= page.right + 1 };
})"""


def open_document(dana, number: str = "INV0000022") -> None:
    dana.sign_in(DANA)
    dana.find(number)
    dana.page.get_by_role("link", name=f"VIEW {number}").click()
    expect(dana.page.locator(".page-text").first).to_be_attached()


def test_the_text_of_the_document_can_be_selected_and_copied(demo, visit):
    dana = visit(demo)
    open_document(dana)
    text = dana.page.evaluate(SELECTED, ["How to pay", "IE29"])
    assert re.search(r"^IBAN\s+IE\d\d \w{4} [\d ]+$", text, re.MULTILINE), text


def test_each_line_lies_over_its_place_in_the_image(demo, visit):
    dana = visit(demo)
    open_document(dana)
    boxes = dana.page.evaluate(BOXES)
    assert len(boxes) > 20
    assert [box["text"] for box in boxes if not box["isInside"]] == []
    off = [box for box in boxes if abs(box["width"] - box["wanted"]) > 0.01]
    assert off == []
    dana.page.get_by_role("button", name="Larger").click()
    boxes = dana.page.evaluate(BOXES)
    assert [box for box in boxes if abs(box["width"] - box["wanted"]) > 0.01] == []


def test_a_find_in_the_page_finds_the_documents_text(demo, visit):
    dana = visit(demo)
    open_document(dana)
    dana.page.evaluate("getSelection().removeAllRanges()")
    assert dana.page.evaluate("window.find('IBAN')")
    inside = "getSelection().anchorNode.parentElement.closest('.page-text') !== null"
    assert dana.page.evaluate(inside)


def test_a_screen_reader_gets_the_documents_text(demo, visit):
    dana = visit(demo)
    open_document(dana)
    assert "IBAN" in dana.page.locator(".document-pages").aria_snapshot()


def test_a_larger_page_is_a_sharper_page(demo, visit):
    dana = visit(demo)
    open_document(dana)
    image = dana.page.locator(".page-image img").first
    expect(image).to_have_js_property("naturalWidth", 1400)
    dana.page.get_by_role("button", name="Larger").click()
    expect(image).to_have_js_property("naturalWidth", 2800)
    dana.shoot("larger")
    assert not dana.scrolls_sideways()


def test_pinching_on_a_phone_enlarges_the_page_and_sharpens_it(demo, visit):
    dana = visit(demo, phone=True)
    open_document(dana)
    image = dana.page.locator(".page-image img").first
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    pinch = {"x": box["x"] + 100, "y": box["y"] + 100, "scaleFactor": 3, "relativeSpeed": 4000}
    session = dana.page.context.new_cdp_session(dana.page)
    session.send("Input.synthesizePinchGesture", pinch)
    assert dana.page.evaluate("visualViewport.scale") > 2
    expect(image).to_have_js_property("naturalWidth", 2800)
