"""Pay, in a browser: to another origin in the same tab, and back to an invoice that is paid."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_a_contact_pays_at_the_billing_systems_own_page(browser, own_demo):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{own_demo.address}/sign-in/password")
    page.fill("input[type=email]", "dana@meridian.example")
    page.fill("input[type=password]", own_demo.state["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{own_demo.address}/")
    page.goto(f"{own_demo.address}/?show=open")
    button = page.get_by_role("link", name=re.compile("^Pay INV")).first
    number = (button.text_content() or "").removeprefix("Pay").strip()
    button.click()
    page.wait_for_url(f"{own_demo.sample_address}/pay?invoice={number}")
    assert len(context.pages) == 1
    assert page.evaluate("document.referrer") == ""
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("status")).to_contain_text(f"{number} is paid")
    page.goto(f"{own_demo.address}/?q={number}")
    row = page.get_by_role("row", name=re.compile(number))
    for _ in range(10):
        if "Paid" in row.inner_text():
            break
        page.wait_for_timeout(1_000)
        page.reload()
    expect(row).to_contain_text("Paid")
    expect(page.get_by_role("link", name=re.compile("^Pay INV"))).to_have_count(0)
    context.close()
