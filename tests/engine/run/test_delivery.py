"""Locations of the document in the last response: body, base 64, zip, URL or link; and its name."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.body import MEMORY_LIMIT
from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    EgressDenied,
    MissingValue,
    NotADocument,
    SourceRefused,
    SourceTooLarge,
    StillWorking,
    WebPageInstead,
)
from billhook.engine.safe_name import safe_name
from billhook.engine.testing import make_pdf, make_response
from step_runs import PDF, SITE, as_json, as_pdf, compile_toml, problems_of, run_toml


def answering(answer: str, more: str = "") -> str:
    """Return a command of one request with this answer."""
    return f"""
[commands.GetInvoiceImage]
url = "{{{{Base}}}}/documents/{{{{InvoiceNumber}}}}"
answer = {{ {answer} }}
{more}
"""


def coded(data: bytes = PDF) -> str:
    return base64.b64encode(data).decode()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        pytest.param("body = true", as_pdf(), id="body"),
        pytest.param('base64 = "$.content"', as_json({"content": coded()}), id="json"),
        pytest.param(
            'base64 = "$.c"',
            as_json({"c": coded().replace("+", "-").replace("/", "_").rstrip("=")}),
            id="for-urls-and-unpadded",
        ),
        pytest.param(
            "base64 = \"$['{{InvoiceNumber}}']\"", as_json({"INV-7": coded()}), id="keyed-by-token"
        ),
        pytest.param(
            'base64 = { xpath = "//p:Data", namespaces = { p = "urn:x" } }',
            make_response(f"<r xmlns='urn:x'><Data>\n{coded()}\n</Data></r>".encode()),
            id="xml",
        ),
        pytest.param("base64 = true", make_response(coded().encode()), id="whole-body"),
        pytest.param("base64 = true", make_response(f'"{coded()}"'.encode()), id="quoted"),
        pytest.param(
            'base64 = { regex = "data=([A-Za-z0-9+/=]+)" }',
            make_response(f"ok=1&data={coded()}".encode()),
            id="regex",
        ),
        pytest.param('zip = "*.pdf"', make_response(zipped(a_pdf=PDF, b_txt=b"x")), id="zip"),
        pytest.param('zip = "A.pdf"', make_response(zipped(x__y__a_pdf=PDF)), id="zip-in-folder"),
    ],
)
async def test_the_document_is_taken_from_its_configured_location(answer, reply):
    with await run_toml(answering(answer), reply).document() as document:
        assert document.body.read() == PDF
        assert (document.media_type, document.extension) == ("application/pdf", "pdf")
    if "body" not in answer:
        with pytest.raises(ValueError, match="closed"):
            reply.body.read()


@given(st.binary(max_size=300), st.booleans(), st.booleans())
async def test_any_base64_decodes_to_the_exact_bytes(middle, for_urls, padded):
    data = b"%PDF-1.7\n" + middle + b"\n%%EOF\n"
    text = (base64.urlsafe_b64encode if for_urls else base64.b64encode)(data).decode()
    reply = as_json({"c": text if padded else text.rstrip("=")})
    with await run_toml(answering('base64 = "$.c"'), reply).document() as document:
        assert document.body.read() == data


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        pytest.param('base64 = "$.c"', lambda data: as_json({"c": coded(data)}), id="base64"),
        pytest.param('zip = "*"', lambda data: make_response(zipped(a_pdf=data)), id="zip"),
    ],
)
async def test_a_large_document_is_unwrapped_into_a_file(answer, reply):
    data = make_pdf(3 * MEMORY_LIMIT)
    with await run_toml(answering(answer), reply(data)).document() as document:
        assert not document.body.in_memory
        assert document.body.read() == data


@pytest.mark.parametrize(
    ("answer", "reply", "error"),
    [
        pytest.param('base64 = "$.c"', as_json({}), DocumentNotFound, id="nothing"),
        pytest.param('base64 = "$.c"', as_json({"c": None}), DocumentNotFound, id="null"),
        pytest.param('base64 = "$.c"', as_json({"c": ""}), DocumentNotFound, id="empty"),
        pytest.param('base64 = "$.c"', as_json({"c": 7}), MissingValue, id="number"),
        pytest.param('base64 = "$.*"', as_json({"a": "x", "b": "y"}), AmbiguousAnswer, id="two"),
        pytest.param('base64 = "$.c"', as_json({"c": "é!"}), NotADocument, id="not-base64"),
        pytest.param('base64 = "$.c"', as_json({"c": "eA=="}), NotADocument, id="other-kind"),
        pytest.param('base64 = "$.c"', make_response(b"<html>"), MissingValue, id="not-json"),
        pytest.param('base64 = "$.c"', as_json({}, status=404), DocumentNotFound, id="404"),
        pytest.param("body = true", make_response(b"<html>"), WebPageInstead, id="page"),
        pytest.param('zip = "*.pdf"', make_response(b"PK"), NotADocument, id="no-zip"),
        pytest.param(
            'zip = "*.pdf"', make_response(zipped(a_txt=b"x")), DocumentNotFound, id="not-in-zip"
        ),
        pytest.param(
            'zip = "*"',
            make_response(zipped(a_pdf=PDF, b_pdf=PDF)),
            AmbiguousAnswer,
            id="two-files",
        ),
        pytest.param('url = "$.u"', as_json({"u": None}), DocumentNotFound, id="no-url-yet"),
        pytest.param('url = "$.u"', as_json({"u": "ftp://x/"}), EgressDenied, id="no-web-address"),
    ],
)
async def test_a_missing_document_is_its_own_error_and_everything_is_closed(answer, reply, error):
    run = run_toml(answering(answer), reply)
    failure = await run.failure(error)
    assert failure.step == "GetInvoiceImage"
    assert run.trace.attempts[-1].outcome == failure.code
    with pytest.raises(ValueError, match="closed"):
        reply.body.read()


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        pytest.param('base64 = "$.c"', as_json({"c": coded(make_pdf(5000))}), id="base64"),
        pytest.param('zip = "*"', make_response(zipped(a_pdf=b"%PDF-" + b"0" * 10**6)), id="bomb"),
    ],
)
async def test_the_limit_counts_unpacked_bytes(answer, reply):
    await run_toml(answering(answer, "max_bytes = 4000"), reply).failure(SourceTooLarge)


async def test_a_url_is_fetched_once_without_anything_configured():
    text = answering('url = "$.download.url"', 'headers = [["X", "{{ApiKey}}"]]')
    signed = "https://files.example/a%2Fb?sig=1%2B2"
    run = run_toml(text, as_json({"download": {"url": signed}}), as_pdf())
    with await run.document() as document:
        assert document.body.read() == PDF
    second = run.transport.requests[1]
    assert (second.method, second.url, second.headers, second.body) == ("GET", signed, (), None)
    assert (second.authenticate, second.repeatable, second.carries_secret) == (False, False, False)


@pytest.mark.parametrize(
    ("url", "goes_along"),
    [
        pytest.param(f"{SITE}/media/1", True, id="own-origin"),
        pytest.param("https://cdn.example/media/1", False, id="other-origin"),
    ],
)
async def test_a_url_at_our_own_source_is_authenticated(url, goes_along):
    run = run_toml(answering('url = "$.u", authentication = true'), as_json({"u": url}), as_pdf())
    await run.document()
    assert run.transport.requests[1].authenticate is goes_along


async def test_a_url_may_be_in_a_header_or_be_the_whole_body():
    for answer, reply in (
        ('url = { header = "Content-Location" }', as_json({}, Content_Location=f"{SITE}/x")),
        ("url = true", make_response(f"{SITE}/x\n".encode())),
    ):
        run = run_toml(answering(answer), reply, as_pdf())
        await run.document()
        assert run.sent[1] == f"GetInvoiceImage GET {SITE}/x"


async def test_an_expired_url_is_reported_and_both_responses_are_closed():
    replies = as_json({"u": f"{SITE}/x"}), as_json({}, status=403)
    await run_toml(answering('url = "$.u"'), *replies).failure(SourceRefused)
    for reply in replies:
        with pytest.raises(ValueError, match="closed"):
            reply.body.read()


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        pytest.param("https://pay.example/i/7?a=b%20c", None, id="as-it-is"),
        pytest.param("https://pay.example/#/link/ab-c", None, id="with-fragment"),
        pytest.param("https://pay.example/ü", "https://pay.example/%C3%BC", id="in-ascii"),
    ],
)
async def test_a_link_is_returned_unchanged_and_not_fetched(link, sent):
    run = run_toml(answering('link = "$.share_link"'), as_json({"share_link": link}))
    with await run.document() as document:
        assert (document.media_type, document.extension) == ("text/uri-list", "uri")
        assert document.body.read().decode() == (sent or link)
    assert len(run.sent) == 1


@pytest.mark.parametrize(
    ("link", "error"),
    [
        pytest.param("http://pay.example/", NotADocument, id="http"),
        pytest.param("javascript:alert(1)", EgressDenied, id="script"),
        pytest.param("https://10.0.0.1/", EgressDenied, id="private"),
        pytest.param("https://intranet/", EgressDenied, id="single-label"),
        pytest.param("https://u@pay.example/", EgressDenied, id="user"),
        pytest.param("https://pay.example/#a b", EgressDenied, id="space-in-fragment"),
        pytest.param("https://pay.example/#\ud800", EgressDenied, id="half-a-character"),
        pytest.param("https://pay.example/#" + 9000 * "a", EgressDenied, id="long-fragment"),
        pytest.param("https://pay.example/\nhttps://evil.example/", EgressDenied, id="two-lines"),
    ],
)
async def test_an_unsafe_link_is_refused(link, error):
    failure = await run_toml(answering('link = "$.l"'), as_json({"l": link})).failure(error)
    assert link not in failure.public_message


async def test_an_xml_invoice_is_a_document_if_it_is_accepted():
    xml = b'<?xml version="1.0"?><Invoice xmlns="urn:x"><ID>7</ID></Invoice>'
    more = 'accept = ["application/pdf", "application/xml"]'
    with await run_toml(answering("body = true", more), make_response(xml)).document() as document:
        assert (document.media_type, document.extension) == ("application/xml", "xml")


@pytest.mark.parametrize(
    ("fact", "reply", "name"),
    [
        pytest.param('"$.n"', as_json({"c": coded(), "n": "Bill 7.pdf"}), "Bill 7.pdf", id="path"),
        pytest.param(
            '{ template = "{{InvoiceNumber}}" }',
            as_json({"c": coded()}),
            "INV-7.pdf",
            id="template",
        ),
        pytest.param(
            '{ header = "Content-Disposition" }',
            as_json({"c": coded()}, Content_Disposition='attachment; filename="a b.pdf"'),
            "a b.pdf",
            id="disposition",
        ),
        pytest.param(
            '{ header = "content-disposition" }',
            as_json(
                {"c": coded()},
                Content_Disposition="attachment; filename=\"x\"; filename*=UTF-8''%C3%BC%2F7.pdf",
            ),
            "ü-7.pdf",
            id="disposition-in-utf-8-with-a-slash",
        ),
        pytest.param('"$.n"', as_json({"c": coded()}), None, id="no-name"),
        pytest.param('"$.n"', as_json({"c": coded(), "n": "../../a.exe"}), "a.pdf", id="outside"),
        pytest.param('{ xpath = "//n" }', as_json({"c": coded()}), None, id="other-language"),
    ],
)
async def test_a_document_has_the_name_from_the_source_made_safe(fact, reply, name):
    run = run_toml(answering(f'base64 = "$.c", name = {fact}'), reply)
    with await run.document() as document:
        assert document.name == name


async def test_the_name_is_read_from_the_response_with_the_document():
    text = answering('url = "$.u", name = { header = "Content-Disposition" }')
    first = as_json({"u": f"{SITE}/x"}, Content_Disposition="inline; filename=first.json")
    second = as_pdf(headers=[("Content-Disposition", "attachment; filename=second.pdf")])
    with await run_toml(text, first, second).document() as document:
        assert document.name == "second.pdf"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("INV/2026/00003", "INV-2026-00003.pdf", id="slashes"),
        pytest.param("INV/2024/0001.pdf", "INV-2024-0001.pdf", id="slashes-and-extension"),
        pytest.param("INV/2026/A-17", "INV-2026-A-17.pdf", id="slashes-and-letters"),
        pytest.param("invoices/INV-7.pdf", "INV-7.pdf", id="folder"),
        pytest.param("/srv/invoices/INV-7.pdf", "INV-7.pdf", id="folders"),
        pytest.param("a/../INV-7.pdf", "INV-7.pdf", id="dots-between"),
        pytest.param("https://files.example/a/INV-7.pdf", "INV-7.pdf", id="url"),
        pytest.param("C:\\temp\\INV.PDF", "INV.pdf", id="backslashes"),
        pytest.param("INV-2024.5", "INV-2024.5.pdf", id="dot-in-the-number"),
        pytest.param("a\u202efdp.exe", "afdp.pdf", id="turned-direction"),
        pytest.param("a\r\nb\0c", "abc.pdf", id="control-characters"),
        pytest.param('a<b>:"|?*', "a_b______.pdf", id="signs-of-file-systems"),
        pytest.param("con.pdf", "_con.pdf", id="device"),
        pytest.param(" . . ", None, id="nothing-left"),
        pytest.param("..", None, id="dots"),
        pytest.param("Ñ-100%", "Ñ-100%.pdf", id="letters"),
        pytest.param("x" * 500, "x" * 120 + ".pdf", id="long"),
    ],
)
def test_a_name_from_outside_is_made_safe(text, name):
    assert safe_name(text, "pdf") == name


@given(st.text())
def test_any_name_becomes_one_visible_name_with_our_extension(text):
    name = safe_name(text, "pdf")
    if name is None:
        return
    assert name.endswith(".pdf")
    assert name.removesuffix(".pdf").strip(" .")
    assert not set(name) & set('/\\<>:"|?*')
    assert all(sign.isprintable() for sign in name)
    assert len(name) <= 125
    assert safe_name(name, "pdf") == name


ACCEPT_BOTH = 'accept = ["application/pdf", "application/xml"]'
ERROR_XML = make_response(b"<error>no</error>", headers=[("Content-Type", "application/pdf")])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param("application/pdf; charset=binary", "application/pdf", id="with-parameters"),
        pytest.param("application/octet-stream", "application/pdf", id="says-nothing"),
        pytest.param("image/png", "application/pdf", id="not-accepted-anyway"),
    ],
)
async def test_the_bytes_decide_regardless_of_the_declared_type(said, kind):
    text = answering('body = true, type = { header = "Content-Type" }', ACCEPT_BOTH)
    with await run_toml(text, as_pdf(headers=[("Content-Type", said)])).document() as document:
        assert document.media_type == kind


async def test_a_declared_type_narrows_the_accepted_kinds():
    text = answering('body = true, type = { header = "Content-Type" }', ACCEPT_BOTH)
    await run_toml(text, ERROR_XML).failure(NotADocument)


@pytest.mark.parametrize(
    ("answer", "more", "code", "where"),
    [
        pytest.param(
            'base64 = { header = "X" }', "", "answer-place", ".base64", id="base64-header"
        ),
        pytest.param('zip = "a/*.pdf"', "", "zip-pattern", ".zip", id="folder-in-zip"),
        pytest.param('zip = ""', "", "zip-pattern", ".zip", id="no-pattern"),
        pytest.param(
            'zip = "{{InvoiceNumber}}.pdf"', "", "zip-pattern", ".zip", id="token-in-pattern"
        ),
        pytest.param('base64 = "content"', "", "path-syntax", ".base64", id="path"),
        pytest.param(
            'base64 = "$.a", authentication = true',
            "",
            "misplaced-key",
            ".authentication",
            id="authentication",
        ),
        pytest.param('link = "$.a", name = "$.b"', "", "misplaced-key", "", id="name-of-link"),
        pytest.param('name = { template = "" }', "", "fact-source", ".name", id="empty-fact"),
        pytest.param(
            'name = { json = "$.a", template = "x" }', "", "fact-source", ".name", id="both"
        ),
        pytest.param('name = { template = "{{ApiKey}}" }', "", "later-token", ".name", id="secret"),
        pytest.param('url = "$.a", zip = "*"', "", "misplaced-key", ".zip", id="two-places"),
        pytest.param("body = false", "", "wrong-type", ".body", id="no-body"),
        pytest.param("base64 = 3", "", "wrong-type", ".base64", id="number"),
        pytest.param('pdf = "$.a"', "", "unknown-key", ".pdf", id="unknown-kind"),
    ],
)
def test_an_invalid_document_location_is_reported_when_it_is_saved(answer, more, code, where):
    problem = problems_of(answering(answer, more))[0]
    assert (problem.code, problem.where) == (code, f"commands.GetInvoiceImage.answer{where}")


def test_a_link_cannot_have_accepted_kinds_of_document():
    (problem,) = problems_of(answering('link = "$.a"', 'accept = ["image/png"]'))
    assert (problem.code, problem.where) == ("misplaced-key", "commands.GetInvoiceImage.accept")


def test_a_response_that_wraps_the_document_may_be_larger_than_the_document():
    plain, wrapped = (
        compile_toml(answering(answer, "max_bytes = 30000000")).steps[0].max_bytes
        for answer in ("body = true", 'base64 = "$.c"')
    )
    assert plain is None
    assert wrapped is not None
    assert wrapped > 40_000_000


READY = 'repeat_until = { when = [{ json = "$.s", equals = "ready" }], pause = 0, times = 3 }'
POLL = f"""
[[commands.GetInvoiceImage.steps]]
name = "Generate"
method = "POST"
url = "{{{{Base}}}}/generate"
[[commands.GetInvoiceImage.steps]]
name = "Poll"
url = "{{{{Base}}}}/status"
{READY}
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{{{Base}}}}/pdf"
"""


async def test_a_step_is_repeated_until_the_response_is_ready():
    waiting = [as_json({"s": "working"}), as_json({}, status=404)]
    run = run_toml(POLL, as_json({}), *waiting, as_json({"s": "ready"}), as_pdf())
    await run.document()
    assert [each.step for each in run.transport.requests] == [
        "Generate",
        "Poll",
        "Poll",
        "Poll",
        "Take",
    ]
    for reply in waiting:
        with pytest.raises(ValueError, match="closed"):
            reply.body.read()


@pytest.mark.parametrize(
    ("last", "error"),
    [
        pytest.param(as_json({"s": "working"}), StillWorking, id="working"),
        pytest.param(as_json({}, status=404), DocumentNotFound, id="404-all-the-time"),
    ],
)
async def test_a_step_that_is_not_ready_in_time_is_reported(last, error):
    waiting = [as_json({"s": "working"}) for _ in range(2)]
    run = run_toml(POLL, as_json({}), *waiting, last)
    failure = await run.failure(error)
    assert (failure.step, len(run.sent)) == ("Poll", 4)
    with pytest.raises(ValueError, match="closed"):
        last.body.read()


async def test_a_failure_that_waiting_cannot_fix_ends_the_run_immediately():
    run = run_toml(POLL, as_json({}), as_json({}, status=401))
    await run.failure(SourceRefused)
    assert len(run.sent) == 2


async def test_no_wait_beyond_the_deadline_is_started():
    text = POLL.replace("pause = 0", "pause = 30")
    run = run_toml(text, as_json({}), as_json({"s": "working"}))
    failure = await run.failure(StillWorking)
    assert (failure.step, len(run.sent)) == ("Poll", 2)


async def test_a_document_that_is_being_generated_may_take_its_time():
    text = f"""
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{{{Base}}}}/pdf"
answer = {{ base64 = "$.c" }}
{READY}
[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Build"
method = "PUT"
url = "{{{{Base}}}}/build"
"""
    missing = as_json({}, status=404)
    ready = as_json({"s": "ready", "c": coded()})
    run = run_toml(text, missing, as_json({}), as_json({}, status=404), ready)
    with await run.document() as document:
        assert document.body.read() == PDF
    assert [each.step for each in run.transport.requests] == ["Take", "Build", "Take", "Take"]


@pytest.mark.parametrize(
    ("lines", "code", "where"),
    [
        pytest.param("repeat_until = {}", "missing-key", "", id="without-end"),
        pytest.param(
            READY.replace("pause = 0", "pause = 61"), "invalid-value", ".pause", id="pause"
        ),
        pytest.param(
            READY.replace("times = 3", "times = 0"), "invalid-value", ".times", id="times"
        ),
        pytest.param(READY + "\nside_effects = true", "never-repeated", "", id="side-effects"),
        pytest.param(READY.replace("$.s", "s"), "path-syntax", ".when[0]", id="path"),
    ],
)
def test_an_invalid_repetition_is_reported_when_it_is_saved(lines, code, where):
    problem = problems_of(answering("body = true", lines))[0]
    assert problem.code == code
    assert problem.where == f"commands.GetInvoiceImage.repeat_until{where}"


def test_a_repetition_that_the_timeout_ends_is_remarked():
    text = answering("body = true", READY.replace("pause = 0", "pause = 20"))
    assert [note.code for note in compile_toml(text).notes] == ["longer-than-timeout"]
