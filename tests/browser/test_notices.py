"""Notices in a browser: a member turns them on and writes a text, a contact chooses and stops."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from browser.axe import findings
from browser.visitor import DANA, SAM, Visitor


def check(visitor: Visitor, what: str) -> None:
    """Look at the open page as it is on a phone and on a desk."""
    for width in (390, 1280):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        visitor.shoot(f"{what}-{width}")
        assert not visitor.scrolls_sideways()
    assert findings(visitor.page) == []


def write_text(sam: Visitor) -> None:
    """Change the text about new invoices, with a wrong token at first."""
    page = sam.page
    page.get_by_role("link", name=re.compile("English.*New invoice")).click()
    page.get_by_label("Subject").fill("Here is {{invoicenumber}}")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Did you mean {{InvoiceNumber}}?").first).to_be_visible()
    page.get_by_label("Subject").fill("Here is {{InvoiceNumber}}")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text(re.compile(r"^Here is INV"))).to_be_visible()
    check(sam, "text")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def turn_check_on(sam: Visitor) -> None:
    """Have the demo's integration checked every night."""
    page = sam.page
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("link", name="Alder & Finch billing").first.click()
    page.get_by_role("link", name="Nightly check").click()
    page.get_by_label("Check every night").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The first check follows within five minutes.")).to_be_visible()
    check(sam, "check")


def test_a_member_sends_notices_and_a_contact_stops_them(own_demo, visit):
    sam, dana = visit(own_demo), visit(own_demo)
    page = sam.page
    sam.sign_in(SAM)
    sam.go("/")
    page.get_by_role("link", name="Notices").click()
    expect(page.get_by_text("None is sent until you turn it on.")).to_be_visible()
    page.get_by_label("A new invoice").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    check(sam, "member")

    write_text(sam)
    sam.go(f"{page.url.removeprefix(own_demo.address).partition('/notices')[0]}/invoices/new")
    meridian = page.locator("#id_customer option", has_text="Meridian").first
    page.get_by_label("Customer").select_option(meridian.get_attribute("value"))
    page.get_by_label("Number", exact=True).fill("NEW-1")
    page.get_by_label("Date", exact=True).fill(datetime.now(UTC).date().isoformat())
    page.get_by_label("Amount", exact=True).fill("12.50")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Invoice NEW-1 is saved.")).to_be_visible()
    invoice = page.url
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("button", name=re.compile("Run now.*Notices")).click()
    mail = own_demo.wait_for(r"Mail to dana@[^$]*?Here is NEW-1[^$]*?(/stop-notices/\S+)")
    page.goto(invoice)
    expect(page.get_by_role("region", name="Mail").get_by_text("Sent").first).to_be_visible()
    check(sam, "invoice")

    turn_check_on(sam)

    dana.sign_in(DANA)
    dana.go("/settings")
    dana.page.get_by_label("Once a day, in one mail").check()
    dana.page.get_by_role("button", name=re.compile("Save the mail from")).click()
    expect(dana.page.get_by_label("Once a day, in one mail")).to_be_checked()
    check(dana, "my-settings")

    stranger = visit(own_demo, phone=True)
    stranger.go(mail[1])
    check(stranger, "stop")
    stranger.page.get_by_role("button", name="Stop the mail").click()
    expect(stranger.page.get_by_role("heading", name="The mail is stopped")).to_be_visible()
    check(stranger, "stopped")
    dana.go("/settings")
    expect(dana.page.get_by_label("Never")).to_be_checked()
