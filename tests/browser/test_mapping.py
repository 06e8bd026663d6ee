"""A member maps a list by clicking: the rows and fields of a real response, then what they give."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.visitor import MAEVE, Visitor


def open_list(visitor: Visitor) -> None:
    """Open the editor with a list of the sample billing system, its key in a secret."""
    page, demo = visitor.page, visitor.demo
    visitor.sign_in(MAEVE)
    organisation = re.search(r"/backoffice/([^/]+)", page.url)
    assert organisation
    visitor.go(f"/backoffice/{organisation[1]}/integrations/new")
    page.get_by_role("button", name="Add command ListInvoices").click()
    page.get_by_role("button", name="Remove command GetInvoiceImage").click()
    page.get_by_label("Name", exact=True).first.fill("Lists")
    page.locator("#command-0-steps-0-url").fill(f"{demo.sample_address}/invoices")
    page.locator("#command-0-steps-0-headers-0-name").fill("X-Api-Key")
    page.locator("#command-0-steps-0-headers-0-value").fill("{{SampleKey}}")
    page.get_by_role("button", name="Add secret").click()
    page.locator("#secret-0-name").fill("SampleKey")
    page.locator("#secret-0-value").fill(demo.state["sample_key"])


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_fields_are_chosen_from_a_response_and_rows_are_shown_mapped(
    demo, visit, *, phone: bool
) -> None:
    visitor = visit(demo, phone=phone)
    page = visitor.page
    open_list(visitor)
    page.get_by_role("button", name="Send", exact=True).click()
    use = page.get_by_role("button", name="Use these fields")
    expect(use).to_be_visible()
    visitor.shoot("sample")
    number = page.locator("li", has=page.get_by_text("number", exact=True)).first
    expect(number.get_by_role("combobox")).to_have_value("number")
    assert not visitor.scrolls_sideways()
    use.click()
    rows = page.get_by_role("region", name="Mapped rows")
    expect(rows).to_contain_text("INV0000")
    expect(page.locator("#command-0-list-map-number-path")).to_have_value(re.compile(r"^\$\."))
    expect(rows).to_contain_text("Nothing was written.")
    visitor.shoot("mapped")
    assert not visitor.scrolls_sideways()


def test_a_list_is_mapped_without_scripts(demo, visit) -> None:
    visitor = visit(demo, scripts=False)
    page = visitor.page
    open_list(visitor)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Use these fields").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("region", name="Mapped rows")).to_contain_text("INV0000")
