"""Long names, numbers and amounts: nothing is cut off, and nothing hides VIEW, at any width."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.crawl import crawl
from browser.visitor import DANA, MAEVE

CLIPPING = Path(__file__).with_name("clipping.js").read_text(encoding="utf-8")
IN_LISTS = ".list :is(th, td), .facts :is(dt, dd), h1, .balances li"
NO_WRAPPING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".list :is(th, td) { white-space: nowrap !important; max-width: none }");
  document.adoptedStyleSheets.push(sheet);
}"""
WIDTHS = (320, 360, 768, 1280)


def faults_at_every_width(visitor, start: str) -> list[str]:
    """Return what is cut off on the pages that links lead to, with page and width."""
    faults = []
    for kind, _ in crawl(visitor, start):
        if not visitor.page.locator(".list, .facts").count():
            continue
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 800})
            found = visitor.page.evaluate(CLIPPING, IN_LISTS)
            if visitor.scrolls_sideways():
                found.append("the page scrolls sideways")
            faults += [f"{kind} at {width}: {fault}" for fault in found]
            visitor.shoot(f"{kind}-{width}")
    return faults


@pytest.mark.timeout(300)
@pytest.mark.parametrize("email", [DANA, MAEVE], ids=["contact", "member"])
def test_no_long_name_is_cut_off_or_hides_view(email, crowded_demo, visit):
    visitor = visit(crowded_demo)
    visitor.expected_statuses.add(404)  # the sample system has no document for these numbers
    visitor.sign_in(email)
    faults = faults_at_every_width(visitor, visitor.page.url)
    assert not faults, "\n".join(faults)


def test_the_statement_of_a_long_name_scrolls_nowhere(crowded_demo, visit):
    visitor = visit(crowded_demo)
    visitor.sign_in(DANA)
    visitor.page.goto(f"{crowded_demo.address}/statement")
    names = visitor.page.get_by_label("Customer")
    for value in names.locator("option").evaluate_all("all => all.map((each) => each.value)"):
        visitor.page.goto(f"{crowded_demo.address}/statement?period=this-year&customer={value}")
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 800})
            assert not visitor.scrolls_sideways(), (visitor.page.title(), width)


def test_a_cut_off_name_is_found(crowded_demo, visit):
    visitor = visit(crowded_demo)
    visitor.sign_in(DANA)
    visitor.page.evaluate(NO_WRAPPING)
    found = visitor.page.evaluate(CLIPPING, IN_LISTS)
    assert any(fault.startswith("cut off") for fault in found), found
