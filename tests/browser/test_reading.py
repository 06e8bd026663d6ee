"""Pages stay whole for people who space text, choose colours, or use the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.editor import Editor
from browser.reading import faults_of_pages
from browser.visitor import DANA, MAEVE, SAM

SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets.push(sheet);
}"""
"""The spacing that WCAG 2.2, 1.4.12, asks a page to bear."""


@pytest.mark.timeout(200)
def test_pages_bear_spaced_text_on_a_small_phone(demo, visit):
    maeve = visit(demo)
    maeve.sign_in(MAEVE)
    maeve.page.set_viewport_size({"width": 320, "height": 640})
    faults = faults_of_pages(maeve, style=SPACED)
    assert not faults, faults


COLOURS = """() => {
  const style = (selector) => getComputedStyle(document.querySelector(selector));
  const chips = [style(".chip[aria-current]"), style(".chip:not([aria-current])")];
  return chips.map((chip) => `${chip.borderTopWidth} ${chip.borderTopColor}`);
}"""
SWATCHES = """() =>
  [...document.querySelectorAll(".swatch")].map((each) => getComputedStyle(each).backgroundColor)"""
LAYER = "() => getComputedStyle(document.querySelector('.page-text p')).color"


def test_forced_colours_keep_what_is_current_and_hide_what_lies_over_the_document(demo, visit):
    dana = visit(demo, forced_colors="active")
    dana.sign_in(DANA)
    current, other = dana.page.evaluate(COLOURS)
    assert current != other
    dana.shoot("forced-list")
    dana.find("INV0000022")
    dana.page.get_by_role("link", name="VIEW INV0000022").click()
    expect(dana.page.locator(".page-text p").first).to_be_attached()
    assert dana.page.evaluate(LAYER) == "rgba(0, 0, 0, 0)"


def test_forced_colours_keep_the_time_bar(demo, visit):
    sam = visit(demo, forced_colors="active")
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.open("Alder & Finch billing")
    editor.fill("try-number", "INV0000022")
    editor.press("Send")
    expect(sam.page.locator("[data-verdict][data-kind=good]")).to_be_visible()
    colours = sam.page.evaluate(SWATCHES)
    assert len(set(colours)) == len(colours) > 2
    sam.shoot("forced-times")


FOCUSED = "() => document.activeElement.dataset.token ?? document.activeElement.id"


def test_the_tokens_of_a_request_are_one_stop_for_the_tab_key(demo, visit):
    sam = visit(demo)
    sam.sign_in(SAM)
    editor = Editor(sam)
    editor.open("Alder & Finch billing")
    tokens = sam.page.get_by_role("toolbar").first.get_by_role("button")
    names = tokens.all_inner_texts()
    assert len(names) > 5
    tokens.first.focus()
    for key, expected in (
        ("ArrowRight", names[1]),
        ("End", names[-1]),
        ("ArrowRight", names[0]),
        ("ArrowLeft", names[-1]),
        ("Home", names[0]),
        ("ArrowDown", names[1]),
    ):
        sam.page.keyboard.press(key)
        assert sam.page.evaluate(FOCUSED) == expected
    sam.page.keyboard.press("Tab")
    assert sam.page.evaluate(FOCUSED) not in names
    sam.page.keyboard.press("Shift+Tab")
    assert sam.page.evaluate(FOCUSED) == names[1]
