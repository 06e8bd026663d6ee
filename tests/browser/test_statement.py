"""The statement of a customer: its page, narrow, wide and on paper, and that of the source."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.axe import findings
from browser.visitor import DANA


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_contact_reads_the_statement_of_a_year(phone, demo, visit):
    dana = visit(demo, phone=phone)
    dana.sign_in(DANA)
    dana.page.get_by_role("link", name="Statement").click()
    dana.page.get_by_role("link", name="This year").click()
    expect(dana.page.get_by_role("heading", level=1)).to_contain_text("Statement of")
    expect(dana.page.get_by_role("link", name="INV0").first).to_be_visible()
    expect(dana.page.get_by_role("button", name="Print")).to_be_visible()
    dana.shoot("statement")
    assert not dana.scrolls_sideways()
    assert findings(dana.page) == []
    dana.page.emulate_media(media="print")
    expect(dana.page.get_by_role("button", name="Show")).to_be_hidden()
    row = dana.page.locator(".statement tbody tr").first
    expect(row).to_have_css("display", "table-row")  # also on paper as narrow as a phone
    dana.shoot("statement-print")
    dana.page.emulate_media(media="screen")
    dana.page.get_by_role("link", name="View", exact=True).click()
    expect(dana.page.get_by_alt_text("of the statement").first).to_be_visible()
    dana.page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    dana.shoot("statement-of-source")
    assert not dana.scrolls_sideways()
    assert findings(dana.page) == []


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_days_are_on_one_line_where_one_of_them_is_wrong(phone, demo, visit):
    dana = visit(demo, phone=phone)
    dana.sign_in(DANA)
    dana.page.get_by_role("link", name="Statement").click()
    dana.page.goto(f"{dana.page.url.partition('?')[0]}?start=2026-04-01&end=2026-03-31")
    expect(dana.page.locator(".error").first).to_be_visible()
    dana.shoot("statement-wrong-day")
    first, last = (
        dana.page.get_by_label(label, exact=True).bounding_box() for label in ("From", "Until")
    )
    assert first["y"] == last["y"] or first["x"] == last["x"]
    assert not dana.scrolls_sideways()
    assert findings(dana.page) == []
