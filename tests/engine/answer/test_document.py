"""The bytes decide the kind of a response; anything other than the document has its own error."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable

import pytest
from PIL import Image

from billhook.engine.answer.document import Document, recognise
from billhook.engine.answer.kinds import KINDS, SYNONYMS
from billhook.engine.answer.status import judge_status
from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    EmptyAnswer,
    NotADocument,
    SourceCutShort,
    SourceRedirected,
    SourceRefused,
    SourceStatus,
    WebPageInstead,
)
from billhook.engine.http.transport import Response
from billhook.engine.testing import make_command, make_pdf, make_response

PDF = make_pdf(3000)
E_INVOICE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by us -->\n'
    b'<rsm:CrossIndustryInvoice xmlns:rsm="urn:x"><rsm:A/>' + b"<b>1</b>" * 700 + b"\n"
    b"</rsm:CrossIndustryInvoice>\n"
)


def interpret(response: Response, accept: Iterable[str]) -> Document:
    judge_status(response.status)
    return recognise(response.body, accept)


def image(form: str) -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(file, form)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("invoice.pdf", PDF)
    return file.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "application/pdf": lambda: PDF,
    "image/png": lambda: image("PNG"),
    "image/jpeg": lambda: image("JPEG"),
    "image/gif": lambda: image("GIF"),
    "image/webp": lambda: image("WEBP"),
    "image/tiff": lambda: image("TIFF"),
    "application/xml": lambda: E_INVOICE,
    "application/json": lambda: json.dumps({"a": "x" * 2000}).encode(),
    "application/zip": archive,
}


def test_every_kind_has_a_sample_here() -> None:
    assert set(WHOLE) == set(KINDS)


@pytest.mark.parametrize("media_type", WHOLE)
def test_a_complete_file_of_an_accepted_kind_is_a_document(media_type: str) -> None:
    everything = make_command("https://billing.example/", accept=KINDS)
    document = interpret(make_response(WHOLE[media_type]()), everything.accept)
    assert document.media_type == media_type
    assert document.extension == KINDS[media_type].extension
    assert document.sha256 == document.body.sha256()


@pytest.mark.parametrize("media_type", WHOLE)
def test_a_file_without_its_end_is_cut_short(media_type: str) -> None:
    data = WHOLE[media_type]()
    everything = make_command("https://billing.example/", accept=KINDS)
    with pytest.raises(SourceCutShort):
        interpret(make_response(data[: len(data) // 2]), everything.accept)


@pytest.mark.parametrize("media_type", WHOLE)
def test_a_file_of_a_kind_that_is_not_accepted_is_not_a_document(media_type: str) -> None:
    others = [kind for kind in KINDS if kind != media_type]
    picky = make_command("https://billing.example/", accept=others)
    with pytest.raises(NotADocument):
        interpret(make_response(WHOLE[media_type]()), picky.accept)


def refused(data: bytes) -> NotADocument:
    """Take *data* for the answer to a command that accepts PDF only."""
    with pytest.raises(NotADocument) as caught:
        interpret(make_response(data), make_command("https://billing.example/").accept)
    return caught.value


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(b"<!DOCTYPE html><title>Sign in</title>", id="a-doctype"),
        pytest.param(b"<!doctype HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>", id="an-old-doctype"),
        pytest.param(b"<html><body>Sign in</body></html>", id="html"),
        pytest.param(b"\xef\xbb\xbf<html>", id="after-a-BOM"),
        pytest.param(b"\r\n\t  <HTML lang=en>", id="after-white-space"),
        pytest.param(b"<!-- a\n-- b --><!-- c -->\n<head>", id="after-comments"),
        pytest.param(b'<?xml version="1.0"?><!DOCTYPE html><html/>', id="XHTML"),
        pytest.param(b'<?xml version="1.0"?>\n<html xmlns="x">', id="XHTML-without-a-doctype"),
        pytest.param("\ufeff<html>".encode("utf-16-le"), id="UTF-16-LE"),
        pytest.param("\ufeff<html>".encode("utf-16-be"), id="UTF-16-BE"),
        pytest.param("<!DOCTYPE html>".encode("utf-16-le"), id="UTF-16-without-a-BOM"),
        pytest.param(b"<script>location='/login'</script>", id="a-script"),
        pytest.param(b"<meta http-equiv=refresh content=0>", id="a-meta-refresh"),
        pytest.param(b"<form action=/login>", id="a-form"),
        pytest.param(b"<h1>Not allowed</h1>", id="a-heading"),
        pytest.param(b"<br", id="cut-right-after-the-tag"),
    ],
)
def test_a_web_page_is_reported_as_a_web_page(page: bytes) -> None:
    assert isinstance(refused(page), WebPageInstead)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b'{"error": "canary-7341"}', "sent JSON where a PDF", id="JSON"),
        pytest.param(b'  [{"error": 1}]', "sent JSON where a PDF", id="a-list-in-JSON"),
        pytest.param('{"a": 1}'.encode("utf-16-le"), "sent JSON where a PDF", id="JSON-in-UTF-16"),
        pytest.param(b"JVBERi0xLjcKJeLjz9MK", "sent a PDF in base64", id="base64"),
        pytest.param(b"<error>canary-7341</error>", "sent XML where a PDF", id="XML"),
        pytest.param(E_INVOICE, "sent XML where a PDF", id="an-e-invoice"),
        pytest.param(archive(), "sent a ZIP archive where a PDF", id="a-ZIP"),
        pytest.param(image("PNG"), "sent a PNG image where a PDF", id="a-PNG"),
        pytest.param(b"Invoice canary-7341 not found", "sent plain text", id="plain-text"),
        pytest.param(b"\x1f\x8b\x08\x00canary-7341", "sent compressed data", id="gzip"),
        pytest.param(b"\x00\x01\x02\x03", "sent data of an unknown kind", id="noise"),
        pytest.param(b"\n" + PDF, "something else before its beginning", id="a-line-before-it"),
        pytest.param(b"\xef\xbb\xbf" + PDF, "before its beginning", id="a-BOM-before-it"),
        pytest.param(b"<error/>%PDF-1.7", "before its beginning", id="XML-before-it"),
    ],
)
def test_anything_else_is_reported_by_its_type_and_never_quoted(data: bytes, words: str) -> None:
    error = refused(data)
    assert type(error) is NotADocument
    assert words in error.public_message
    assert "canary-7341" not in error.public_message


def test_the_expected_kind_is_reported() -> None:
    both = make_command("https://billing.example/", accept=("application/pdf", "image/png"))
    with pytest.raises(NotADocument, match="where a PDF or a PNG image was expected"):
        interpret(make_response(b"{}"), both.accept)


@pytest.mark.parametrize("synonym", SYNONYMS)
def test_another_name_of_a_media_type_means_the_same(synonym: str) -> None:
    media_type = SYNONYMS[synonym]
    one = make_command("https://billing.example/", accept=(synonym,))
    assert interpret(make_response(WHOLE[media_type]()), one.accept).media_type == media_type


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(404, DocumentNotFound, id="404"),
        pytest.param(410, DocumentNotFound, id="410"),
        pytest.param(401, SourceRefused, id="401"),
        pytest.param(403, SourceRefused, id="403"),
        pytest.param(206, SourceStatus, id="206"),
        pytest.param(304, SourceStatus, id="304"),
        pytest.param(400, SourceStatus, id="400"),
        pytest.param(429, SourceStatus, id="429"),
        pytest.param(500, SourceStatus, id="500"),
        pytest.param(999, SourceStatus, id="999"),
        pytest.param(302, SourceRedirected, id="302-not-followed"),
    ],
)
def test_a_failed_status_is_reported_before_any_byte_is_read(
    status: int, error: type[BillhookError]
) -> None:
    with pytest.raises(error):
        interpret(
            make_response(PDF, status=status), make_command("https://billing.example/").accept
        )


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_a_document_with_any_success_status_is_accepted(status: int) -> None:
    plain = make_command("https://billing.example/")
    assert interpret(make_response(PDF, status=status), plain.accept).size == 3000


@pytest.mark.parametrize("status", [200, 204, 205])
def test_an_empty_response_is_reported_as_empty(status: int) -> None:
    with pytest.raises(EmptyAnswer):
        interpret(make_response(status=status), make_command("https://billing.example/").accept)


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        pytest.param(PDF + b"\r\n" * 500, True, id="a-pdf-with-line-breaks-behind-its-end"),
        pytest.param(PDF + b"\0" * 2000, False, id="a-pdf-with-too-much-behind-its-end"),
        pytest.param(b"%PDF-", False, id="nothing-but-the-beginning"),
        pytest.param(b"%PDF-%%EOF", True, id="the-least-that-is-taken-for-one"),
    ],
)
def test_the_end_of_a_pdf_is_searched_for_in_its_last_1024_bytes(data: bytes, whole: bool) -> None:
    plain = make_command("https://billing.example/")
    if whole:
        assert interpret(make_response(data), plain.accept).size == len(data)
    else:
        with pytest.raises(SourceCutShort):
            interpret(make_response(data), plain.accept)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<a:I xmlns:a='x'><b/></a:I>\n<!-- end -->\n", id="a-comment-at-the-end"),
        pytest.param(b"<Invoice/>", id="an-empty-element"),
        pytest.param(b"<!DOCTYPE I [<!ENTITY a 'b'>]>\n<I></I >", id="a-doctype"),
        pytest.param("\ufeff<Invoice>ä</Invoice>".encode("utf-16-le"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf<Invoice>\xc3\xa4</Invoice>", id="a-BOM"),
    ],
)
def test_an_e_invoice_ends_with_its_first_element(data: bytes) -> None:
    xml = make_command("https://billing.example/", accept=("application/xml",))
    assert interpret(make_response(data), xml.accept).extension == "xml"
    with pytest.raises((SourceCutShort, NotADocument)):
        interpret(make_response(data[: len(data) // 2]), xml.accept)


def test_a_kind_that_bytes_cannot_prove_is_refused_when_the_command_is_created() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_command("https://billing.example/", accept=("application/pdf", "aplication/pdf"))
    (problem,) = caught.value.problems
    assert problem.where == "commands.GetInvoiceImage.accept[1]"
    assert problem.suggestion == "application/pdf"


def test_a_pdf_that_was_read_as_text_is_no_document() -> None:
    from_a_printer = PDF.replace(b"\n", b"\n%\xe2\xe3\xcf\xd3\n", 1)
    assert recognise(make_response(from_a_printer).body, ("application/pdf",))
    broken = from_a_printer.decode(errors="replace").encode()
    with pytest.raises(NotADocument, match="read as text"):
        recognise(make_response(broken).body, ("application/pdf",))
