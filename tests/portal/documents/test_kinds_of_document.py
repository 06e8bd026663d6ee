"""Pages for a response that isn't simply a PDF: a link, XML, XML inside a PDF, our summary."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from django.test import Client

from billhook.engine.config import AnswerConfig, CommandConfig, PathConfig, StepConfig
from billhook.portal.documents.response import opened
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import Source, draft, integration

XML = b"<?xml version='1.0'?><Invoice><ID>INV-1</ID></Invoice>"


@pytest.fixture
def source() -> Iterator[Source]:
    before = get_store(), get_recorder()
    found = Source()
    set_store(CommandStore(open_source=lambda _: found))
    set_recorder(RunRecorder())
    yield found
    set_store(before[0])
    set_recorder(before[1])


def connect(cast: Cast, **more: Any) -> None:
    response = more.pop("answer", None)
    step = StepConfig(
        url="{{BaseUrl}}/items/{{InvoiceNumber}}",
        headers=(("X-Api-Key", "{{ApiKey}}"),),
        answer=response,
    )
    integration(cast.harper, draft(CommandConfig(name="GetInvoiceImage", steps=(step,), **more)))


def get(cast: Cast, path: str) -> Any:
    get_store().refresh()
    browser: Client = signed_in(cast.carla)
    response = opened(browser.get(f"/invoices/{cast.open.id}/{path}"))
    get_recorder().flush()
    return response


LINK = AnswerConfig(kind="link", path=PathConfig(kind="json", text="$.url"))


def test_a_link_is_a_button_that_says_where_it_leads(cast: Cast, source: Source) -> None:
    connect(cast, answer=LINK)
    source.answer = (200, b'{"url": "https://pay.example.com/i/1?a=1&b=2"}')
    page = get(cast, "pages").content.decode()
    assert 'href="https://pay.example.com/i/1?a=1&amp;b=2"' in page
    assert 'rel="noopener noreferrer"' in page
    assert "Open at pay.example.com" in page


@pytest.mark.parametrize("path", ["document", "document?download"])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://pay.example.com/i/1", id="short"),
        pytest.param("https://pay.example.com/#/i/1?a=%C3%91", id="for a program in the page"),
        pytest.param(f"https://pay.example.com/i/1?signature={'x' * 3000}", id="long"),
    ],
)
def test_the_address_of_the_document_leads_to_the_link(
    cast: Cast, source: Source, path: str, url: str
) -> None:
    connect(cast, answer=LINK)
    source.answer = (200, b'{"url": "%s"}' % url.encode())
    response = get(cast, path)
    assert (response.status_code, response["Location"]) == (303, url)
    assert response["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://pay.example.com/i/1", id="without TLS"),
        pytest.param("javascript:alert(1)", id="a script"),
        pytest.param("//me@evil.example/", id="a user name"),
        pytest.param("https:///relative", id="no host"),
    ],
)
@pytest.mark.parametrize("path", ["document", "pages"])
def test_a_link_that_is_not_an_https_address_is_not_followed(
    cast: Cast, source: Source, url: str, path: str
) -> None:
    connect(cast, answer=LINK)
    source.answer = (200, b'{"url": "%s"}' % url.encode())
    response = get(cast, path)
    assert response.status_code == 502
    assert url not in response.content.decode()


def test_a_link_is_never_kept(cast: Cast, source: Source) -> None:
    connect(cast, answer=LINK)
    source.answer = (200, b'{"url": "https://pay.example.com/i/1"}')
    source.headers = (("ETag", '"1"'),)
    get(cast, "document")
    get(cast, "document")
    assert len(source.requests) == 2
    assert set(Run.objects.values_list("reason", flat=True)) == {""}


def test_an_e_invoice_is_a_download_with_a_sentence(cast: Cast, source: Source) -> None:
    connect(cast, accept=("application/xml",))
    source.answer = (200, XML)
    page = get(cast, "pages").content.decode()
    assert "for accounting programs" in page
    assert "?download" in page
    response = get(cast, "document?download")
    assert response.content == XML
    assert response["Content-Disposition"] == 'attachment; filename="INV-1.xml"'


def pdf_with(name: str, content: bytes) -> bytes:
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 300)
    document.new_attachment(name).set_data(content)
    written = BytesIO()
    document.save(written)
    document.close()
    return written.getvalue()


def test_a_pdf_that_contains_an_e_invoice_says_so_and_offers_it(cast: Cast, source: Source) -> None:
    connect(cast)
    source.answer = (200, pdf_with("factur-x.xml", XML))
    page = get(cast, "pages")
    assert "carries the invoice as XML" in page.content.decode()
    token = page.content.decode().split("/held/")[1].split("/")[0]
    response = get(cast, f"held/{token}/e-invoice.xml")
    assert response.content == XML
    assert response["Content-Type"] == "application/xml"
    assert response["Content-Disposition"] == 'attachment; filename="INV-1.xml"'
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("terms.xml", XML, id="another name"),
        pytest.param("factur-x.xml", b"<html><script>x</script></html>", id="a web page"),
        pytest.param("factur-x.xml", b"MZ program", id="a program"),
    ],
)
def test_nothing_else_is_extracted_from_a_pdf(
    cast: Cast, source: Source, name: str, content: bytes
) -> None:
    connect(cast)
    source.answer = (200, pdf_with(name, content))
    page = get(cast, "pages").content.decode()
    token = page.split("/held/")[1].split("/")[0]
    response = get(cast, f"held/{token}/e-invoice.xml")
    assert response.status_code == 422
    assert "no electronic invoice" in response.content.decode()


def test_a_summary_is_labelled_on_the_page_and_in_its_file_name(cast: Cast, source: Source) -> None:
    connect(cast)
    source.answer = (404, b"")
    cast.harper.plain_rendering = True
    cast.harper.save()
    page = get(cast, "pages").content.decode()
    assert "not the original invoice" in page
    assert "billing system gave" not in page
    response = get(cast, "document")
    assert response["Content-Disposition"] == 'inline; filename="summary-INV-1.pdf"'
    assert response.content.startswith(b"%PDF-")
