"""A customer comes from the organisation's own site, which is another site than the portal."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser import axe, own_site
from browser.own_site import OwnSite
from demo_process import DemoProcess, new_demo_folder, running_demo

_PHONE = {"width": 320, "height": 700}


@pytest.fixture(scope="module")
def site(program) -> Iterator[OwnSite]:
    site = OwnSite()
    yield site
    site.close()


@pytest.fixture(scope="module")
def connected_demo(site, tmp_path_factory) -> Iterator[DemoProcess]:
    """A demo whose organisation has a site of its own."""
    folder = new_demo_folder(tmp_path_factory.mktemp("connected"))
    allowed = {"BILLHOOK_ALLOW": f"127.0.0.1:{site.port}"}
    with running_demo("--data-dir", str(folder), environment=allowed) as demo:
        demo.wait_until_told()
        made = subprocess.run(
            [sys.executable, Path(own_site.__file__), site.origin, str(site.port)],
            env={"BILLHOOK_DATA_DIR": str(demo.data_dir)},
            check=True,
            capture_output=True,
            text=True,
        )
        site.portal, site.path = demo.address, made.stdout.strip().splitlines()[-1]
        yield demo


@pytest.fixture
def page(browser, connected_demo):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(30_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def test_a_link_on_the_site_leads_to_an_invoice_once(site, page, tmp_path):
    page.goto(site.origin)
    link = page.locator("#link").get_attribute("href")
    page.locator("#link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invoice INV0000004")
    assert re.search(r"/from/\w+/invoices/\w+$", page.url)
    expect(page.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").first.click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF-")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.request.get(link)  # looks only
    before = len(site.asked)
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    expect(page.get_by_text("has been used already")).to_be_visible()
    assert len(site.asked) == before
    page.screenshot(path=tmp_path / "refused.png", full_page=True)
    assert axe.findings(page) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_site_shows_the_invoices_in_its_own_page(
    site, browser, connected_demo, scripts, tmp_path
):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        accept_downloads=True,
        java_script_enabled=scripts,
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(site.origin)
    frame = page.frame_locator("#invoices")
    if not scripts:
        frame.get_by_role("button", name="Continue").click()
    expect(frame.get_by_role("heading", name="Invoices")).to_be_visible()
    expect(frame.locator("header")).to_have_count(0)
    (cookie,) = [each for each in context.cookies() if each["name"] == "billhook-embedded"]
    assert (cookie["secure"], cookie["sameSite"], cookie["httpOnly"]) == (True, "None", True)
    if scripts:
        expect(page.locator("#invoices")).to_have_attribute(
            "style", re.compile(r"height: \d{3,4}px")
        )
        page.screenshot(path=tmp_path / "embedded.png", full_page=True)
    frame.get_by_role("searchbox").fill("INV0000004")
    frame.get_by_role("searchbox").press("Enter")  # by keyboard alone
    frame.get_by_role("link", name="VIEW INV0000004").focus()
    page.keyboard.press("Enter")
    expect(frame.get_by_role("heading", level=1)).to_have_text("Invoice INV0000004")
    if scripts:
        expect(frame.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()
        page.set_viewport_size(_PHONE)
        page.screenshot(path=tmp_path / "phone.png", full_page=True)
    with page.expect_download() as waiting:
        frame.get_by_role("link", name="Download").first.click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF-")
    context.close()


def test_axe_finds_nothing_in_the_embedded_list_and_pay(site, page, tmp_path):
    page.goto(site.link(noChrome="true"))
    expect(page.get_by_role("heading", name="Invoices")).to_be_visible()
    expect(page.locator("header")).to_have_count(0)
    page.screenshot(path=tmp_path / "embedded-list.png", full_page=True)
    found = {"list": axe.findings(page)}
    page.get_by_role("link", name=re.compile("^Pay INV")).first.click()
    expect(page.get_by_role("link", name=re.compile("^Continue to "))).to_be_visible()
    page.screenshot(path=tmp_path / "embedded-pay.png", full_page=True)
    found["pay"] = axe.findings(page)
    page.goto(page.url.partition("?")[0])  # as another site's link: without the key
    expect(page.get_by_role("link", name="Pay", exact=True)).to_be_visible()
    found["question"] = axe.findings(page)
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_no_other_page_of_the_portal_is_shown_in_a_frame(site, browser, connected_demo):
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.origin)
    for path in ("/sign-in", "/backoffice/", f"{site.path}?authToken=x"):
        page.evaluate(
            "(url) => { document.getElementById('invoices').src = url }",
            f"{connected_demo.address}{path}",
        )
        with page.expect_event("framenavigated"):
            pass
        assert "chrome-error" in page.frames[1].url
    context.close()
