"""The visit of a contact, who signs in, finds an invoice, views it, and downloads it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.request import ProxyHandler, build_opener
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from browser.axe import findings
from browser.visitor import COLM, DANA

WIDTHS = pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])


def saved(visitor, link) -> bytes:
    with visitor.page.expect_download() as waiting:
        link.click()
    return Path(waiting.value.path()).read_bytes()


@WIDTHS
def test_view_shows_the_pages_that_the_billing_system_made(phone, demo, visit):
    dana = visit(demo, phone=phone)
    dana.sign_in(DANA)
    dana.shoot("list")
    dana.find("INV0000025")
    dana.page.get_by_role("link", name="VIEW INV0000025").click()
    expect(dana.page.get_by_role("heading", level=1)).to_have_text("Invoice INV0000025")
    images = dana.page.get_by_role("img", name=re.compile(r"Page \d of 3 of invoice INV0000025"))
    expect(images).to_have_count(3)
    for index in range(3):
        images.nth(index).scroll_into_view_if_needed()
        expect(images.nth(index)).to_have_js_property("complete", value=True)
        assert images.nth(index).evaluate("image => image.naturalWidth") > 600
    dana.shoot("document")
    assert not dana.scrolls_sideways()


@WIDTHS
def test_the_downloaded_bytes_are_those_that_the_billing_system_made(phone, demo, visit):
    dana = visit(demo, phone=phone)
    dana.sign_in(DANA)
    dana.find("INV0000004")
    dana.page.get_by_role("link", name="VIEW INV0000004").click()
    expect(dana.page.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()
    download = dana.page.get_by_role("link", name="Download").first
    assert saved(dana, download) == demo.sample_get("/invoices/INV0000004/pdf")


def test_the_page_images_and_the_download_come_from_one_run(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    dana.find("INV0000007")
    dana.page.get_by_role("link", name="VIEW INV0000007").click()
    run = dana.page.locator(".document-pages .mono").inner_text()
    link = dana.page.get_by_role("link", name="Download").first
    with dana.page.expect_response(re.compile("document")) as waiting:
        saved(dana, link)
    assert waiting.value.header_value("billhook-run") == run


def test_the_time_of_the_document_is_in_the_zone_of_the_browser(demo, visit):
    dana = visit(demo, timezone_id="Asia/Kathmandu")
    dana.sign_in(DANA)
    dana.find("INV0000022")
    dana.page.get_by_role("link", name="VIEW INV0000022").click()
    expect(dana.page.locator(".document-pages time")).to_have_text(
        re.compile(r"\d \w{3} 20\d\d, \d\d:\d\d UTC\+0545")
    )


def test_a_code_from_the_mail_signs_in(demo, visit):
    dana = visit(demo)
    dana.go("/sign-in")
    dana.shoot("sign-in")
    seen = len(demo.printed)
    dana.page.get_by_label("E-mail").fill(DANA)
    dana.page.get_by_role("button", name="Continue").click()
    code = demo.wait_for(r"^(\d{6}) is your code to sign in$", after=seen)[1]
    dana.page.get_by_label("Code").fill(code)
    dana.shoot("code")
    dana.page.get_by_role("button", name="Sign in").click()
    expect(dana.page.get_by_role("heading", level=1)).to_have_text("Invoices")


def test_an_unknown_address_gets_the_same_page_as_a_known_one(demo, visit):
    texts = []
    for address in ("colm@foylevalley.example", "nobody@nowhere.example"):
        visitor = visit(demo)
        visitor.go("/sign-in")
        visitor.page.get_by_label("E-mail").fill(address)
        visitor.page.get_by_role("button", name="Continue").click()
        visitor.page.get_by_role("button", name="Send again in").wait_for()
        text = visitor.page.locator("body").inner_text().replace(address, "…")
        texts.append(re.sub(r"in \d+ s", "in … s", text))
    assert texts[0] == texts[1]


def test_a_link_to_an_invoice_survives_signing_in(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    dana.find("INV0000010")
    path = dana.page.get_by_role("link", name="INV0000010", exact=True).get_attribute("href")
    again = visit(demo)
    again.go(path)
    again.page.get_by_role("link", name="Use a password instead").click()
    again.fill_in_password(DANA)
    expect(again.page.get_by_role("heading", level=1)).to_have_text("Invoice INV0000010")


@WIDTHS
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("INV0000187", (502, "We couldn't get this invoice. Nothing is wrong with")),
        ("INV0000181", (502, "We couldn't get this invoice. Nothing is wrong with")),
        ("INV0000184", (404, "The billing system has no document for INV0000184 yet.")),
    ],
    ids=["failing", "a sign-in page", "not yet created"],
)
def test_a_failure_shows_a_friendly_sentence_the_run_number_and_what_to_do_next(
    number, expected, phone, demo, visit
):
    status, sentence = expected
    dana = visit(demo, phone=phone)
    dana.expected_statuses.add(status)
    dana.sign_in(DANA)
    dana.view_one_that_works()
    dana.find(number)
    dana.page.get_by_role("link", name=f"VIEW {number}").click()
    alert = dana.page.get_by_role("alert")
    expect(alert).to_contain_text(sentence)
    expect(alert.locator(".mono")).to_have_text(re.compile(r"^[0-9a-z]{12}$"))
    assert not dana.page.locator("iframe, embed, object").count()
    assert not re.search(r"E-5021|500|127\.0\.0\.1", alert.inner_text())
    assert not dana.scrolls_sideways()
    dana.shoot("failed")
    first = alert.locator(".mono").inner_text()
    alert.get_by_role("link", name="Try again").click()
    expect(alert.locator(".mono")).not_to_have_text(first)


def test_a_waiting_contact_sees_that_the_source_is_slow(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    dana.find("INV0000190")
    dana.page.get_by_role("link", name="VIEW INV0000190").click()
    waiting = "Getting INV0000190 from Alder & Finch's billing system."
    expect(dana.page.locator("[data-waiting] p")).to_have_text(waiting)
    expect(dana.page.locator("[data-waiting] p")).to_have_text(
        "Still waiting for the billing system."
    )
    dana.shoot("waiting")
    expect(dana.page.get_by_role("img", name=re.compile("Page 1 of"))).to_be_visible()


def test_somebody_elses_invoice_looks_like_one_that_does_not_exist(demo, visit):
    colm = visit(demo)
    colm.sign_in(COLM)
    foreign = colm.page.get_by_role("row").nth(1).get_by_role("link").first.get_attribute("href")
    dana = visit(demo)
    dana.expected_statuses.add(404)
    dana.sign_in(DANA)
    for ending in ("", "/document", "/document?download", "/pages"):
        seen = [facts_of(dana, f"{path}{ending}") for path in (foreign, "/invoices/0123456789ab")]
        assert seen[0] == seen[1]
        assert seen[0][0] == 404
    dana.go(foreign)
    dana.shoot("not-found")


def facts_of(visitor, path: str) -> tuple[int, str, str]:
    response = visitor.go(path)
    page = visitor.page
    return response.status, page.title(), page.locator("html").inner_text()


def test_a_draft_is_not_shown(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    dana.go("/?q=INV0000199")
    expect(dana.page.get_by_text("No matches")).to_be_visible()


def test_without_scripts_view_opens_the_document_itself(demo, visit):
    dana = visit(demo, scripts=False)
    dana.sign_in(DANA)
    dana.go("/?q=INV0000013")
    dana.page.get_by_role("link", name="VIEW INV0000013").click()
    dana.shoot("no-scripts")
    link = dana.page.get_by_role("link", name="Open the document")
    document = dana.fetch(link.get_attribute("href"))
    assert document.headers["content-type"] == "application/pdf"
    assert document.body() == demo.sample_get("/invoices/INV0000013/pdf")


def test_without_scripts_a_failure_has_its_own_page(demo, visit):
    dana = visit(demo, scripts=False)
    dana.expected_statuses.add(502)
    dana.sign_in(DANA)
    dana.view_one_that_works()
    dana.go("/?q=INV0000187")
    dana.page.get_by_role("link", name="VIEW INV0000187").click()
    dana.page.get_by_role("link", name="Open the document").click()
    expect(dana.page.get_by_role("alert")).to_contain_text("We couldn't get this invoice")
    dana.page.get_by_role("link", name="Back to invoice INV0000187").click()
    expect(dana.page.get_by_role("heading", level=1)).to_have_text("Invoice INV0000187")


def test_signing_out_closes_every_page(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA, again=True)
    dana.find("INV0000016")
    path = dana.page.get_by_role("link", name="INV0000016", exact=True).get_attribute("href")
    dana.page.locator("summary", has_text="Dana Reyes").click()
    dana.page.get_by_role("button", name="Sign out").click()
    dana.page.wait_for_url(re.compile("/sign-in"))
    dana.go(f"{path}/document")
    assert "/sign-in" in dana.page.url


def test_a_stranger_gets_no_document(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    path = dana.page.get_by_role("row").nth(1).get_by_role("link").first.get_attribute("href")
    with build_opener(ProxyHandler({})).open(f"{demo.address}{path}/document") as response:
        assert "/sign-in" in response.url
        assert response.headers.get_content_type() == "text/html"


@WIDTHS
def test_several_documents_are_downloaded_as_one_zip(phone, demo, visit, tmp_path):
    dana = visit(demo, phone=phone)
    dana.sign_in(DANA)
    dana.go("/?sort=-number")
    listed = re.findall(r"Choose (INV\d+)", dana.page.inner_text("tbody"))
    works = [number for number in listed if number < "INV0000180"][:3]
    for number in ["INV0000184", "INV0000181", *works]:  # two of them have no document
        dana.page.get_by_label(f"Choose {number}").check()
    dana.shoot("chosen")
    assert not dana.scrolls_sideways()
    assert findings(dana.page) == []
    dana.page.get_by_role("button", name="Download selected").click()
    expect(dana.page.get_by_role("heading", level=1)).to_have_text("Downloads")
    dana.shoot("in-progress")
    link = dana.page.get_by_role("link", name="Download the zip").first
    expect(link).to_be_visible()
    expect(dana.page.get_by_text("has no document for it yet")).to_be_visible()
    dana.shoot("downloads")
    assert not dana.scrolls_sideways()
    assert findings(dana.page) == []
    (tmp_path / "a.zip").write_bytes(saved(dana, link))
    with ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        documents = [name for name in archive.namelist() if name.endswith(".pdf")]
        assert [name.removesuffix(".pdf") for name in documents] == works
        assert archive.read(documents[0]) == demo.sample_get(f"/invoices/{works[0]}/pdf")
        assert {"invoices.csv", "missing.txt"} <= set(archive.namelist())
    dana.page.get_by_role("button", name="Delete").first.click()
    expect(dana.page.get_by_text("The download was deleted.")).to_be_visible()
