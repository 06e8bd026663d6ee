"""The contact's pages: the list, the page of one invoice, and the document."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billhook.engine.errors import (
    AuthenticationFailed,
    BillhookError,
    DocumentNotFound,
    EgressDenied,
    SourceRefused,
    SourceStatus,
    SourceTimeout,
    SourceTlsFailed,
    SourceUnreachable,
)
from billhook.engine.isolation.rate_limit import RateLimit
from billhook.engine.verdict import Verdict
from billhook.portal.customers import services as customers
from billhook.portal.documents.response import opened
from billhook.portal.documents.visits import document_page
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.file_name import document_name
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.shown_status import ShownStatus, shown_status_of
from billhook.portal.mail.models import MailKind, OutgoingMail
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, invoice, signed_in
from portal.integration_cast import CANARY, PDF, Source, integration


def numbers(browser: Client, query: str = "") -> list[str]:
    """Return the invoice numbers in the list, in its order."""
    page = browser.get(f"/{query}").content.decode()
    return re.findall(r'<a href="/invoices/\w{12}"><bdi>([^<]+)</bdi></a></th>', page)


def text(response: Any) -> str:
    """Return what a person reads on a page, in one line."""
    page = re.sub(
        r"<(script|style|head|template).*?</\1>", " ", response.content.decode(), flags=re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_contact_sees_their_invoices_and_no_draft(cast: Cast) -> None:
    assert numbers(signed_in(cast.carla)) == ["INV-1", "INV-2", "INV-3"]
    assert numbers(signed_in(cast.carl)) == ["INV-5"]


def test_a_contact_of_two_customers_sees_both_in_a_column(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    assert "Customer</a></th>" not in browser.get("/").content.decode()
    customers.invite_contact(customer=cast.bolt, email=cast.carla.user.email)
    page = browser.get("/").content.decode()
    assert "Customer</a></th>" in page
    assert "<h1>All customers</h1>" in page
    assert set(numbers(browser)) == {"INV-1", "INV-2", "INV-3", "INV-5"}
    assert numbers(browser, f"?customer={cast.bolt.id}") == ["INV-5"]


def test_every_row_has_view_and_its_number_links_to_the_same_page(cast: Cast) -> None:
    page = signed_in(cast.carla).get("/").content.decode()
    links = re.findall(rf'href="/invoices/{cast.open.id}"', page)
    assert len(links) == 2
    assert 'VIEW<span class="visually-hidden"> <bdi>INV-1</bdi></span>' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("?show=open", ["INV-1", "INV-2"], id="open"),
        pytest.param("?show=overdue", ["INV-2"], id="overdue"),
        pytest.param("?show=paid", ["INV-3"], id="paid"),
        pytest.param("?q=inv-2", ["INV-2"], id="a number in any case"),
        pytest.param("?q=1,240", ["INV-1", "INV-2", "INV-3"], id="an amount as it is written"),
        pytest.param("?q=1240.00", ["INV-1", "INV-2", "INV-3"], id="an amount with decimals"),
        pytest.param("?q=acm", ["INV-1", "INV-2", "INV-3"], id="a customer's name"),
        pytest.param("?q=INV-5", [], id="somebody else's number"),
        pytest.param("?q=INV-4", [], id="a draft's number"),
        pytest.param("?q=NaN", [], id="no number"),
        pytest.param("?q=1e999999", [], id="an endless number"),
        pytest.param("?sort=number", ["INV-1", "INV-2", "INV-3"], id="by number"),
        pytest.param("?sort=-number", ["INV-3", "INV-2", "INV-1"], id="by number, backwards"),
        pytest.param("?sort=due", ["INV-3", "INV-2", "INV-1"], id="by due date"),
        pytest.param("?sort=-open&show=open", ["INV-2", "INV-1"], id="by what is open"),
        pytest.param("?sort=customer__password", ["INV-1", "INV-2", "INV-3"], id="by no column"),
        pytest.param("?show=draft", ["INV-1", "INV-2", "INV-3"], id="no such choice"),
        pytest.param("?customer=x", ["INV-1", "INV-2", "INV-3"], id="no such customer"),
        pytest.param("?issued_from=yesterday", ["INV-1", "INV-2", "INV-3"], id="no date"),
        pytest.param("?page=999", ["INV-1", "INV-2", "INV-3"], id="a page past the end"),
        pytest.param("?issued_to=2000-01-01", [], id="nothing so old"),
    ],
)
def test_the_list_is_narrowed_and_sorted_by_its_address(
    cast: Cast, query: str, found: list[str]
) -> None:
    assert numbers(signed_in(cast.carla), query) == found


def test_a_range_of_dates_includes_both_ends(cast: Cast) -> None:
    on = cast.open.issued_on.isoformat()
    assert numbers(signed_in(cast.carla), f"?issued_from={on}&issued_to={on}") == ["INV-1"]


def test_a_filter_by_somebody_elses_customer_finds_nothing_of_theirs(cast: Cast) -> None:
    customers.invite_contact(customer=cast.bolt, email=cast.carla.user.email)
    found = numbers(signed_in(cast.carla), f"?customer={cast.cedar.id}&q=INV-1")
    assert found == ["INV-1"]  # her own: the filter isn't one of her choices, so it is left out


def test_balances_are_shown_per_currency_and_never_added_up(cast: Cast) -> None:
    invoice(cast.acme, "INV-6", amount="100.00", currency="USD")
    invoice(
        cast.acme, "INV-7", due_in=-1, amount="60.00", open_amount="20.50", status=Status.PART_PAID
    )
    page = text(signed_in(cast.carla).get("/"))
    assert "2,500.50 EUR open, 1,260.50 EUR overdue" in page
    assert "100.00 USD open" in page


def test_chips_show_how_many_invoices_each_would_list(cast: Cast) -> None:
    page = text(signed_in(cast.carla).get("/?show=paid"))
    assert "All 3 Open 2 Overdue 1 Paid 1" in page


def test_pages_keep_the_filter_and_the_order(cast: Cast) -> None:
    for at in range(30):
        invoice(cast.acme, f"X-{at:02}", due_in=50 + at)
    page = signed_in(cast.carla).get("/?q=X-&sort=number").content.decode()
    assert "25 of 30 invoices" in text(signed_in(cast.carla).get("/?q=X-&sort=number"))
    following = re.search(r'rel="next" href="(\?q=X-&amp;sort=number&amp;page=after-[^"]+)"', page)
    assert following is not None
    shown = numbers(signed_in(cast.carla), unescape(following[1]))
    assert shown == [f"X-{at}" for at in range(25, 30)]


def test_an_address_that_names_no_page_shows_the_first_and_says_so(cast: Cast) -> None:
    page = text(signed_in(cast.carla).get("/?page=2"))
    assert "so here is the first page" in page
    assert "INV-1" in page


def test_the_sorted_column_is_marked(cast: Cast) -> None:
    page = signed_in(cast.carla).get("/?sort=due").content.decode()
    assert re.findall(r'aria-sort="(\w+)"><a href="\?sort=(-?\w+)"', page) == [
        ("ascending", "-due")
    ]


def test_an_empty_list_says_whether_a_filter_hides_invoices(cast: Cast) -> None:
    assert "No invoices yet" in text(signed_in(cast.sam).get("/"))
    hidden = text(signed_in(cast.carl).get("/?show=overdue"))
    assert "No overdue invoices. 1 other is hidden by this filter. Show all" in hidden


def test_typed_markup_is_shown_as_text(cast: Cast) -> None:
    page = signed_in(cast.carla).get('/?q="><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("status", "due_in", "shown"),
    [
        pytest.param(Status.OPEN, 8, ShownStatus.OPEN, id="due in more than a week"),
        pytest.param(Status.OPEN, 7, ShownStatus.DUE_SOON, id="due in a week"),
        pytest.param(Status.OPEN, 0, ShownStatus.DUE_SOON, id="due today"),
        pytest.param(Status.OPEN, -1, ShownStatus.OVERDUE, id="due yesterday"),
        pytest.param(Status.OPEN, None, ShownStatus.OPEN, id="never due"),
        pytest.param(Status.PART_PAID, 1, ShownStatus.PART_PAID, id="paid in part"),
        pytest.param(Status.PART_PAID, -1, ShownStatus.OVERDUE, id="paid in part and late"),
        pytest.param(Status.PAID, -1, ShownStatus.PAID, id="paid, however late"),
        pytest.param(Status.CREDITED, -1, ShownStatus.CREDITED, id="credited"),
        pytest.param(Status.DRAFT, -1, ShownStatus.DRAFT, id="a draft"),
    ],
)
def test_the_status_of_an_invoice_is_one_word(
    status: Status, due_in: int | None, shown: ShownStatus
) -> None:
    today = date(2026, 3, 1)
    due_on = None if due_in is None else today + timedelta(days=due_in)
    row = Invoice(status=status, due_on=due_on, amount=Decimal(10), open_amount=Decimal(10))
    assert shown_status_of(row, today=today) is shown


@pytest.mark.parametrize(
    ("amount", "open_amount", "shown"),
    [
        pytest.param("-50.00", "-50.00", ShownStatus.CREDIT_NOTE, id="a credit note"),
        pytest.param("-50.00", "0.00", ShownStatus.CREDIT_NOTE, id="a used credit note"),
        pytest.param("0.00", "0.00", ShownStatus.NOTHING_DUE, id="an invoice of nothing"),
        pytest.param("50.00", "0.00", ShownStatus.PAID, id="nothing left to pay"),
    ],
)
def test_an_invoice_that_nobody_has_to_pay_is_not_open(
    cast: Cast, amount: str, open_amount: str, shown: ShownStatus
) -> None:
    row = invoice(cast.acme, "INV-0", due_in=-9, amount=amount, open_amount=open_amount)
    assert shown_status_of(row, today=timezone.localdate()) is shown
    browser = signed_in(cast.carla)
    assert "INV-0" not in numbers(browser, "?show=open") + numbers(browser, "?show=overdue")
    assert ("INV-0" in numbers(browser, "?show=paid")) is (shown is ShownStatus.PAID)


def test_credit_is_shown_next_to_the_balance_and_not_subtracted(cast: Cast) -> None:
    invoice(cast.acme, "CN-1", amount="-40.00")
    page = text(signed_in(cast.carla).get("/"))
    assert "2,480.00 EUR open, 1,240.00 EUR overdue, 40.00 EUR credit" in page.replace(" ,", ",")


def test_the_page_of_an_invoice_shows_its_details_before_any_document(cast: Cast) -> None:
    response = signed_in(cast.carla).get(f"/invoices/{cast.overdue.id}")
    page = text(response)
    due = cast.overdue.due_on
    assert due is not None
    assert "Status Overdue Amount 1,240.00 EUR Open 1,240.00 EUR" in page
    assert f"Due {due.day} {due:%b %Y} Customer Acme" in page
    assert "<title>INV-2, 1,240.00 EUR, Overdue, Acme</title>" in response.content.decode()


def test_the_buttons_are_plain_links_that_work_without_javascript(cast: Cast) -> None:
    page = signed_in(cast.carla).get(f"/invoices/{cast.open.id}").content.decode()
    assert f'href="/invoices/{cast.open.id}/document?download"' in page
    assert len(re.findall(rf'href="/invoices/{cast.open.id}/document"', page)) == 3


# The document.


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def wired(cast: Cast, source: Source) -> Iterator[Source]:
    """Harper IT has an integration whose other end is *source*."""
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    integration(cast.harper)
    get_store().refresh()
    yield source
    set_store(before[0])
    set_recorder(before[1])


def get(browser: Client, path: str) -> Any:
    """Return what the server would send."""
    response = opened(browser.get(path))
    get_recorder().flush()
    return response


def test_the_document_is_the_sources_bytes_under_our_own_headers(cast: Cast, wired: Source) -> None:
    wired.headers = (
        ("Content-Type", "text/html"),
        ("Content-Disposition", 'attachment; filename="evil.exe"'),
        ("Set-Cookie", "evil=1"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Powered-By", "Oldie"),
    )
    response = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/document")
    assert response.content == PDF
    assert "evil" not in str(response.cookies)
    assert {name.lower() for name in response.headers} == {
        "billhook-run",
        "cache-control",
        "content-disposition",
        "content-length",
        "content-security-policy",
        "content-type",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "vary",
        "x-content-type-options",
        "x-frame-options",
    }
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == 'inline; filename="INV-1.pdf"'
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_a_download_is_saved_and_listed_as_a_download_in_the_runs(
    cast: Cast, wired: Source
) -> None:
    response = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/document?download")
    assert response.headers["Content-Disposition"] == 'attachment; filename="INV-1.pdf"'
    run = Run.objects.get(id=response.headers["Billhook-Run"])
    assert (run.kind, run.outcome, run.user_id) == ("download", "ok", cast.carla.user_id)


def test_the_headers_of_the_browser_never_reach_the_source(cast: Cast, wired: Source) -> None:
    path = f"/invoices/{cast.open.id}/document?InvoiceNumber=INV-5&invoice_id={cast.of_bolt.id}"
    get(signed_in(cast.carla), path)
    (request,) = wired.requests
    assert request.url == "https://billing.acme.example/items/INV-1"


@pytest.mark.parametrize("who", ["carl", "charlie", "cleo", "alice", "sam"])
def test_nobody_else_gets_the_document_and_no_request_is_sent(
    cast: Cast, wired: Source, who: str
) -> None:
    browser = signed_in(getattr(cast, who))
    for path in ("", "/document", "/pages"):
        foreign = browser.get(f"/invoices/{cast.open.id}{path}")
        missing = browser.get(f"/invoices/{'0' * 12}{path}")
        assert foreign.status_code == missing.status_code == 404
        assert foreign.content == missing.content
        assert foreign.headers == missing.headers
    assert wired.requests == []


_FAILURES = [
    pytest.param(SourceUnreachable(), 502, id="unreachable"),
    pytest.param(SourceTimeout("body"), 504, id="too slow"),
    pytest.param(SourceStatus(500), 502, id="failed"),
]
_FIXED_BY_MEMBERS = [
    pytest.param(SourceRefused(401), id="refused"),
    pytest.param(AuthenticationFailed(), id="not signed in"),
    pytest.param(SourceTlsFailed(), id="tls"),
    pytest.param(EgressDenied(Verdict.DENIED_LOOPBACK, "private text"), id="denied"),
]


@pytest.mark.parametrize("path", ["document", "pages"])
@pytest.mark.parametrize("error", _FIXED_BY_MEMBERS)
def test_a_failure_that_trying_again_cannot_change_says_that_the_organisation_knows(
    cast: Cast, wired: Source, error: BillhookError, path: str
) -> None:
    wired.answer = error
    page = text(get(signed_in(cast.carla), f"/invoices/{cast.open.id}/{path}"))
    run = Run.objects.get()
    assert "trying again can't help" in page.replace("&#x27;", "'")
    assert "Harper IT has been informed." in page
    assert f"quote {run.id} ." in page
    assert "Try again" not in page
    assert OutgoingMail.objects.filter(kind=MailKind.SOURCE).exists()
    for secret in (error.code, error.public_message, "acme.example/items", CANARY):
        assert secret not in page


@pytest.mark.parametrize("path", ["document", "document?download", "pages"])
@pytest.mark.parametrize(("error", "status"), _FAILURES)
def test_a_failure_is_a_friendly_sentence_with_the_run_number(
    cast: Cast, wired: Source, error: BillhookError, status: int, path: str
) -> None:
    wired.answer = error
    response = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/{path}")
    page = text(response)
    run = Run.objects.get()
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Nothing is wrong with your account." in page
    assert f"ask Harper IT and quote {run.id} ." in page
    assert "Try again" in page
    assert run.outcome == error.code
    for secret in (error.code, error.public_message, "acme.example/items", CANARY):
        assert secret not in response.content.decode()


def test_a_document_that_does_not_exist_yet_is_reported_as_such(cast: Cast, wired: Source) -> None:
    wired.answer = DocumentNotFound()
    response = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/document")
    assert response.status_code == 404
    assert "The billing system has no document for INV-1 yet." in text(response)


def test_a_web_page_instead_of_the_document_is_never_shown(cast: Cast, wired: Source) -> None:
    wired.answer = (200, b"<!doctype html><title>Sign in</title><script>steal()</script>")
    response = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/document")
    assert response.status_code == 502
    assert b"steal" not in response.content


def test_without_an_integration_a_contact_sees_the_friendly_sentence(
    cast: Cast, wired: Source
) -> None:
    response = get(signed_in(cast.cleo), f"/invoices/{cast.of_cedar.id}/document")
    assert response.status_code == 502
    assert "ask Northwind and quote" in text(response)
    assert b"ntegration" not in response.content


def test_a_failure_links_to_the_support_address_with_the_run_number(
    cast: Cast, wired: Source
) -> None:
    cast.harper.support_email = "billing@harper.example"
    cast.harper.save()
    wired.answer = SourceUnreachable()
    response = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/document")
    run = Run.objects.get()
    assert f"mailto:billing@harper.example?subject=Invoice%20INV-1%20({run.id})" in (
        response.content.decode()
    )


def test_pages_are_images_and_the_downloaded_file_has_the_same_bytes(
    cast: Cast, wired: Source, two_pages: bytes
) -> None:
    wired.answer = (200, two_pages)
    browser = signed_in(cast.carla)
    part = get(browser, f"/invoices/{cast.open.id}/pages").content.decode()
    images = re.findall(r'<img src="([^"]+)" width="(\d+)" height="(\d+)" alt="([^"]+)"', part)
    assert [alt for *_, alt in images] == [
        "Page 1 of 2 of invoice INV-1",
        "Page 2 of 2 of invoice INV-1",
    ]
    picture = get(browser, images[1][0])
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    (held,) = re.findall(r'data-held="([^"]+)"', part)
    assert get(browser, f"{held}?download").content == two_pages
    assert len(wired.requests) == 1


def test_the_xml_that_came_with_the_document_is_offered(
    cast: Cast, wired: Source, two_pages: bytes
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("INV-1.pdf", two_pages)
        archive.writestr("factur-x.xml", b"<Invoice>1</Invoice>")
    wired.answer = (200, file.getvalue())
    browser = signed_in(cast.carla)
    part = get(browser, f"/invoices/{cast.open.id}/pages").content.decode()
    assert "Page 2 of 2" in part
    (link,) = re.findall(r'<a href="([^"]+)" download>Download the XML</a>', part)
    xml = get(browser, link)
    assert xml.content == b"<Invoice>1</Invoice>"
    assert xml.headers["Content-Type"] == "application/xml"
    assert xml.headers["Content-Disposition"] == 'attachment; filename="INV-1.xml"'
    assert get(signed_in(cast.dora), link).status_code == 404
    assert len(wired.requests) == 1


def test_held_pages_are_shown_to_nobody_else(cast: Cast, wired: Source, two_pages: bytes) -> None:
    wired.answer = (200, two_pages)
    customers.invite_contact(customer=cast.acme, email=cast.carl.user.email)
    part = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/pages").content.decode()
    (image, *_) = re.findall(r'<img src="([^"]+)"', part)
    assert signed_in(cast.carl).get(image).status_code == 404  # may see the invoice, not this copy
    other = image.replace(cast.open.id, cast.overdue.id)
    assert signed_in(cast.carla).get(other).status_code == 404


def test_a_held_file_that_is_gone_is_fetched_again(cast: Cast, wired: Source) -> None:
    held = f"/invoices/{cast.open.id}/held/no-such-token/document?download"
    response = signed_in(cast.carla).get(held)
    assert response.headers["Location"] == f"/invoices/{cast.open.id}/document?download"


def test_a_document_that_cannot_be_drawn_can_be_downloaded(cast: Cast, wired: Source) -> None:
    part = get(signed_in(cast.carla), f"/invoices/{cast.open.id}/pages")
    assert part.status_code == 200
    assert "Download it" in text(part)
    (held,) = re.findall(r'data-held="([^"]+)"', part.content.decode())
    assert get(signed_in(cast.carla), held).content == PDF


@pytest.fixture(scope="module")
def two_pages() -> bytes:
    """A PDF with two pages."""
    import io

    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file)
    for number in (1, 2):
        canvas.drawString(100, 700, f"Page {number}")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


@pytest.mark.parametrize(
    ("number", "name"),
    [
        pytest.param("INV-1", "INV-1.pdf", id="a plain number"),
        pytest.param("2024/0107", "2024-0107.pdf", id="a slash"),
        pytest.param("..\\..\\boot.ini", "boot.ini.pdf", id="a way up"),
        pytest.param('a"; filename="b', "a-filename-b.pdf", id="a quote"),
        pytest.param("a\r\nSet-Cookie: b", "a-Set-Cookie-b.pdf", id="a line end"),
        pytest.param("Rechnung Nº 7 für Ñandú", "Rechnung-Nº-7-für-Ñandú.pdf", id="other letters"),
        pytest.param("fdp.\u202etxt", "fdp.-txt.pdf", id="letters turned round"),
        pytest.param("CON", "invoice-CON.pdf", id="a device"),
        pytest.param("...", "invoice.pdf", id="dots alone"),
        pytest.param("x" * 100, f"{'x' * 80}.pdf", id="too long"),
    ],
)
def test_a_file_name_is_derived_from_the_number_and_is_safe(number: str, name: str) -> None:
    assert document_name(Invoice(number=number), extension="pdf") == name


def test_a_number_in_any_script_gives_a_header_that_browsers_understand(
    cast: Cast, wired: Source
) -> None:
    odd = invoice(cast.acme, 'Ñ/7";\r\n x')
    response = get(signed_in(cast.carla), f"/invoices/{odd.id}/document")
    assert response.headers["Content-Disposition"] == (
        "inline; filename=\"_-7-x.pdf\"; filename*=UTF-8''%C3%91-7-x.pdf"
    )


@pytest.fixture
def few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = RateLimit(per_second=1 / 60, burst=2)
    for name in ("_view_rate", "_file_rate"):
        monkeypatch.setattr(document_page, name, lambda: limit)


@pytest.mark.usefixtures("few_views")
@pytest.mark.parametrize("path", ["document", "document?download", "pages"])
def test_who_opens_documents_too_quickly_is_asked_to_wait(
    cast: Cast, wired: Source, path: str
) -> None:
    browser = signed_in(cast.carla)
    address = f"/invoices/{cast.open.id}/{path}"
    codes = [get(browser, address).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    response = get(browser, address)
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert "Wait a moment, then try again." in text(response)
    assert len(wired.requests) == 2


@pytest.mark.usefixtures("few_views")
def test_other_people_and_the_pages_on_the_screen_go_on(cast: Cast, wired: Source) -> None:
    browser = signed_in(cast.carla)
    for _ in range(3):
        get(browser, f"/invoices/{cast.open.id}/pages")
    assert get(signed_in(cast.carl), f"/invoices/{cast.of_bolt.id}/document").status_code == 200
    assert browser.get(f"/invoices/{cast.open.id}").status_code == 200
