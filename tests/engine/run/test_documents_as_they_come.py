"""A document is delivered with other bytes around it, in a zip, or after a 201 or 202."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile

import pytest

from billhook.engine.errors import (
    AmbiguousAnswer,
    EmptyAnswer,
    NotADocument,
    SourceCutShort,
    SourceError,
    StillWorking,
    WebPageInstead,
)
from billhook.engine.testing import make_pdf, make_response
from step_runs import PDF, SITE, as_json, as_pdf, run_toml

PLAIN = """
[commands.GetInvoiceImage]
url = "{{Base}}/invoices/{{InvoiceNumber}}"
"""
IN_BASE64 = PLAIN + 'answer = { base64 = "$.pdf" }\n'
PAGE = b"\r\n<!DOCTYPE html><html><body>" + b"<p>Invoice list</p>" * 300 + b"</body></html>"
NOTICE = b"<br />\n<b>Notice</b>: Undefined index in <b>/a.php</b> on line <b>7</b><br />\n"


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return file.getvalue()


AROUND = [
    pytest.param(b"\n" + PDF, id="line-break-before"),
    pytest.param(b"\xef\xbb\xbf\r\n" + PDF, id="byte-order-mark-before"),
    pytest.param(NOTICE + PDF, id="notice-before"),
    pytest.param(PDF + PAGE, id="html-behind"),
    pytest.param(PDF + b"\0" * 150_000, id="nul-behind"),
    pytest.param(b" " + PDF + PAGE, id="both"),
    pytest.param(zipped(a__INV_pdf=PDF, factur_xml=b"<a/>"), id="zip-with-xml"),
    pytest.param(zipped(INV_PDF=PDF), id="zip"),
    pytest.param(zipped(INV_pdf=PDF + PAGE), id="zip-and-html"),
    pytest.param(gzip.compress(PDF), id="gzip"),
    pytest.param(gzip.compress(zipped(INV_pdf=PDF)), id="zip-in-gzip"),
    pytest.param(base64.encodebytes(PDF), id="base64"),
    pytest.param(b"\xef\xbb\xbf" + base64.b64encode(PDF), id="base64-with-byte-order-mark"),
    pytest.param(b'"' + base64.b64encode(PDF) + b'"', id="base64-in-quotes"),
]


@pytest.mark.parametrize("body", AROUND)
async def test_the_document_is_taken_out_of_what_is_around_it(body):
    with await run_toml(PLAIN, make_response(body)).document() as document:
        assert document.body.read().rstrip() == PDF.rstrip()


ZIP_OF_BOTH = zipped(
    **{"a__INV_PDF": PDF, "b__factur-x_XML": b"<Invoice>1</Invoice>", "note_txt": b"no"}
)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        pytest.param(PLAIN, make_response(ZIP_OF_BOTH), id="by-default"),
        pytest.param(
            PLAIN + 'answer = { zip = "*.pdf" }\n', make_response(ZIP_OF_BOTH), id="by-pattern"
        ),
        pytest.param(
            IN_BASE64, as_json({"pdf": base64.b64encode(ZIP_OF_BOTH).decode()}), id="in-base64"
        ),
    ],
)
async def test_a_zip_of_pdf_and_xml_gives_the_pdf_and_the_xml_with_it(text, reply):
    with await run_toml(text, reply).document() as document:
        assert document.body.read() == PDF
        (attachment,) = document.attachments
        assert attachment.body.read() == b"<Invoice>1</Invoice>"
        assert (attachment.name, attachment.media_type) == ("factur-x.xml", "application/xml")
    with pytest.raises(ValueError, match="closed"):
        attachment.body.read()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zipped(a_pdf=PDF), id="none"),
        pytest.param(zipped(a_pdf=PDF, b_xml=b"no xml"), id="no-xml"),
        pytest.param(zipped(a_pdf=PDF, b_xml=b"<a>" + b" " * 6_000_000 + b"</a>"), id="too-large"),
        pytest.param(PDF, id="no-zip"),
    ],
)
async def test_a_document_without_readable_xml_comes_alone(body):
    with await run_toml(PLAIN, make_response(body)).document() as document:
        assert document.body.read() == PDF
        assert document.attachments == ()


@pytest.mark.parametrize("body", AROUND)
async def test_it_is_taken_out_of_base64_too(body):
    reply = as_json({"pdf": base64.b64encode(body).decode()})
    with await run_toml(IN_BASE64, reply).document() as document:
        assert document.body.read().rstrip() == PDF.rstrip()


async def test_a_large_document_is_taken_out_as_well():
    pdf = make_pdf(3_000_000)
    with await run_toml(PLAIN, make_response(b"\n" + pdf + PAGE)).document() as document:
        assert document.body.read().rstrip() == pdf.rstrip()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(PDF[:-30] + PAGE, SourceCutShort, id="cut-and-html"),
        pytest.param(b"\n" + PDF[:-30], NotADocument, id="space-and-cut"),
        pytest.param(NOTICE + PDF[:-30], WebPageInstead, id="notice-and-cut"),
        pytest.param(PDF + b"9 0 obj\n" + b"x" * 2_000, SourceCutShort, id="changed-and-cut"),
        pytest.param(zipped(a_pdf=PDF, b_pdf=PDF), AmbiguousAnswer, id="two-in-a-zip"),
        pytest.param(zipped(a_xml=b"<a/>"), NotADocument, id="none-in-a-zip"),
        pytest.param(zipped(a_pdf=b"<html>"), WebPageInstead, id="page-in-a-zip"),
        pytest.param(zipped(a_pdf=PDF)[:-30], NotADocument, id="cut-zip"),
        pytest.param(b"PK\x03\x04", NotADocument, id="no-zip"),
    ],
)
async def test_a_document_that_is_not_whole_is_refused(body, error: type[SourceError]):
    assert type(await run_toml(PLAIN, make_response(body)).failure(error)) is error


async def test_a_shell_of_xfa_is_named():
    form = b"/NeedsRendering true /AcroForm << /XFA 9 0 R >> "
    shell = PDF.replace(b"/Type /Catalog ", b"/Type /Catalog " + form)
    shell = shell.replace(b"0" * len(form), b"", 1)  # of the filler, so that offsets stay right
    failure = await run_toml(PLAIN, make_response(shell)).failure(NotADocument)
    assert "XFA" in failure.public_message
    assert "Please wait" in failure.public_message


@pytest.mark.parametrize("status", [201, 202])
@pytest.mark.parametrize(
    "body", [b"", b'{"id": 7}', b"<html>created</html>"], ids=["empty", "json", "page"]
)
async def test_the_location_of_what_was_created_is_followed(status, body):
    created = make_response(body, status=status, headers=[("Location", "/files/INV 7.pdf")])
    run = run_toml(PLAIN, created, as_pdf())
    with await run.document() as document:
        assert document.body.read() == PDF
    assert run.sent[1] == f"GetInvoiceImage GET {SITE}/files/INV%207.pdf"
    assert run.transport.requests[1].headers == ()


async def test_a_document_in_a_201_is_the_document():
    created = make_response(PDF, status=201, headers=[("Location", "/files/x.pdf")])
    run = run_toml(PLAIN, created)
    with await run.document():
        assert len(run.sent) == 1


async def test_a_202_at_the_location_is_still_working():
    accepted = make_response(b"", status=202, headers=[("Location", "/jobs/7")])
    again = make_response(b"", status=202, headers=[("Location", "/jobs/7")])
    await run_toml(PLAIN, accepted, again).failure(StillWorking)


async def test_a_location_is_not_followed_where_redirects_are_denied():
    created = make_response(b"", status=201, headers=[("Location", "/files/x.pdf")])
    run = run_toml(PLAIN + 'redirects = "deny"\n', created)
    await run.failure(EmptyAnswer)
    assert len(run.sent) == 1


@pytest.mark.parametrize(
    ("location", "authenticates"),
    [("/x.pdf", True), ("https://files.example/x.pdf", False)],
    ids=["own-origin", "another-origin"],
)
async def test_credentials_go_only_to_the_commands_own_origins(location, authenticates):
    created = make_response(b"", status=201, headers=[("Location", location)])
    run = run_toml(PLAIN, created, as_pdf())
    with await run.document():
        assert run.transport.requests[1].authenticate is authenticates
