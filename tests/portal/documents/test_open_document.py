"""VIEW: the values come from our own row, one run is left whatever happens, and nothing leaks."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.http.response import StreamingHttpResponse

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.engine.document_headers import content_disposition
from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    SourceTimeout,
    SourceUnreachable,
    TokenError,
    denied,
)
from billhook.engine.tokens.catalogue import COMMANDS
from billhook.engine.verdict import Verdict
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.response import (
    DocumentResponse,
    opened,
    send_document,
)
from billhook.portal.documents.token_values import Click
from billhook.portal.integrations import services
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast
from portal.integration_cast import CANARY, PDF, Source, command, draft, integration, sources_of


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    """Give this process a store whose transport is *source*, and a recorder of its own."""
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def view(cast: Cast, kind: RunKind = RunKind.VIEW) -> Document:
    get_store().refresh()
    opening = InvoiceDocument(click=Click(invoice=cast.open, user=cast.carla.user), kind=kind)
    try:
        return async_to_sync(opening.find)().document
    finally:
        get_recorder().flush()


def test_the_document_arrives_and_the_run_records_who_asked_for_what(
    cast: Cast, source: Source
) -> None:
    row = integration(cast.harper)
    with view(cast) as document:
        assert document.body.read() == PDF
    (request,) = source.requests
    assert request.url == "https://billing.acme.example/items/INV-1"
    assert request.headers == (("X-Api-Key", CANARY),)
    run = Run.objects.get()
    assert (run.outcome, run.kind, run.command) == ("ok", "view", "GetInvoiceImage")
    assert (run.organisation, run.integration, run.invoice, run.user) == (
        cast.harper,
        row,
        cast.open,
        cast.carla.user,
    )
    assert (run.document_bytes, run.media_type) == (len(PDF), "application/pdf")
    assert run.attempts[0]["status"] == 200


def test_every_token_of_the_catalogue_is_filled_from_our_row(cast: Cast, source: Source) -> None:
    cast.open.issued_on, cast.open.due_on = date(2026, 3, 31), None
    cast.open.amount, cast.open.open_amount = Decimal("1240.00"), Decimal("310.50")
    names = [token.name for token in COMMANDS["GetInvoiceImage"].tokens]
    body = "{" + ", ".join(f'"{name}": {{{{{name}}}}}' for name in names) + "}"
    typed = command(method="POST", headers=(("Content-Type", "application/json"),), body=body)
    integration(cast.harper, draft(typed))
    view(cast).close()
    sent = source.requests[0].body
    assert sent == (
        b'{"InvoiceNumber": "INV-1", "InvoiceId": "INV-1", "InvoiceDate": "2026-03-31", '
        b'"DueDate": null, "Amount": 1240.00, "OpenAmount": 310.50, "Currency": "EUR", '
        b'"InvoiceStatus": "open", "CustomerNumber": "C-1", "CustomerName": "Acme", '
        b'"ContactEmail": "carla@acme.example", "ContactName": "Carla", "Locale": "en-GB", '
        b'"OrganisationName": "Harper IT"}'
    )


def test_the_run_id_that_is_sent_is_the_one_that_is_recorded(cast: Cast, source: Source) -> None:
    integration(cast.harper, draft(command(url="https://a.example/?run={{RunId}}", headers=())))
    view(cast).close()
    assert source.requests[0].url == f"https://a.example/?run={Run.objects.get().id}"


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        pytest.param((404, b"no"), "document-not-found", "404", id="not found"),
        pytest.param((401, b"no"), "source-refused", "401", id="refused"),
        pytest.param((500, b"no"), "source-status", "500", id="status"),
        pytest.param((200, b"<html><body>"), "web-page-instead", "", id="web page"),
        pytest.param((200, b""), "empty-answer", "", id="empty"),
        pytest.param((200, PDF[:50]), "source-cut-short", "", id="cut short"),
        pytest.param(SourceTimeout("connect"), "source-timeout", "connect", id="timeout"),
        pytest.param(SourceUnreachable(), "source-unreachable", "", id="unreachable"),
        pytest.param(denied(Verdict.DENIED_PRIVATE), "egress-denied", "address", id="denied"),
    ],
)
def test_each_failure_leaves_its_code_in_the_run(
    cast: Cast, source: Source, answer: Any, outcome: str, reason: str
) -> None:
    integration(cast.harper)
    source.answer = answer
    with pytest.raises(BillhookError) as caught:
        view(cast)
    run = Run.objects.get()
    assert (run.outcome, run.reason) == (caught.value.code, reason) == (outcome, reason)


def test_without_an_integration_the_run_says_so(cast: Cast) -> None:
    integration(cast.northwind)
    with pytest.raises(ConfigurationError):
        view(cast)
    run = Run.objects.get()
    assert (run.outcome, run.reason, run.integration) == ("configuration", "no-integration", None)


def test_a_cancelled_run_is_recorded(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    get_store().refresh()
    sources_of(
        get_store(), cast.harper
    )  # so that all is in memory, and the source is asked at once
    opening = InvoiceDocument(
        click=Click(invoice=cast.open, user=cast.carla.user), kind=RunKind.VIEW
    )

    async def give_up() -> None:
        source.gate = asyncio.Event()
        running = asyncio.create_task(opening.find())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async_to_sync(give_up)()
    get_recorder().flush()
    assert Run.objects.get().outcome == "cancelled"


SLOTS = {
    "path": command(url="https://a.example/{{ApiKey}}/{{InvoiceNumber}}", headers=()),
    "query": command(url="https://a.example/?k={{ApiKey}}", headers=()),
    "header": command(headers=(("Authorization", "Bearer {{ApiKey}}"),)),
    "form": command(
        method="POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body="key={{ApiKey}}",
    ),
    "json": command(
        method="POST",
        headers=(("Content-Type", "application/json"),),
        body='{"text": "x {{ApiKey}}", "bare": {{ApiKey}}}',
    ),
    "xml": command(
        method="POST", headers=(("Content-Type", "text/xml"),), body="<k>{{ApiKey}}</k>"
    ),
    "text": command(method="POST", headers=(("Content-Type", "text/plain"),), body="{{ApiKey}}"),
}
FAILURES: dict[str, Any] = {
    "ok": (200, PDF),
    "refused": (401, CANARY.encode()),
    "not found": (404, CANARY.encode()),
    "status": (500, CANARY.encode()),
    "page": (200, f"<html>{CANARY}".encode()),
    "garbage": (200, CANARY.encode()),
    "timeout": SourceTimeout("wait"),
    "unreachable": SourceUnreachable(),
    "fault": RuntimeError("something of ours broke"),
}


@pytest.mark.parametrize("slot", [pytest.param(slot, id=slot) for slot in SLOTS])
@pytest.mark.parametrize("failure", [pytest.param(name, id=name) for name in FAILURES])
def test_a_secret_appears_nowhere(
    cast: Cast,
    source: Source,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    *,
    slot: str,
    failure: str,
) -> None:
    integration(cast.harper, draft(SLOTS[slot]))
    source.answer = FAILURES[failure]
    if isinstance(source.answer, RuntimeError):
        source.answer, source.fault = (200, PDF), source.answer
    told = io.StringIO()
    with caplog.at_level(logging.DEBUG):
        try:
            view(cast).close()
        except (BillhookError, RuntimeError) as error:
            traceback.print_exception(error, file=told)
            told.write(repr(error))
    assert CANARY in str([(r.url, r.headers, r.body) for r in source.requests])  # it was sent
    seen = [told.getvalue(), caplog.text, *capsys.readouterr()]
    seen += [str(row) for row in Run.objects.values()]
    seen += [str(row) for row in Integration.objects.values()]
    seen += [repr(request) for request in source.requests]
    for text in seen:
        assert CANARY not in text
    assert Run.objects.count() == 1


def document(body: bytes) -> Document:
    return Document(media_type="application/pdf", extension="pdf", body=Body(body))


def test_a_response_has_our_own_headers_only() -> None:
    response = send_document(
        document(PDF), file_name="INV-1.pdf", download=False, run_id="0123456789ab"
    )
    assert isinstance(response, HttpResponse)
    assert response.content == PDF
    assert dict(response.items()) == {
        "Content-Type": "application/pdf",
        "Content-Length": str(len(PDF)),
        "Content-Disposition": 'inline; filename="INV-1.pdf"',
        "Billhook-Run": "0123456789ab",
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; object-src 'self'; img-src 'self'; "
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@pytest.mark.parametrize(
    ("media_type", "how"),
    [
        ("application/pdf", "inline"),
        ("image/png", "inline"),
        ("application/xml", "attachment"),
        ("application/json", "attachment"),
        ("application/zip", "attachment"),
    ],
)
def test_a_document_that_could_be_a_disguised_page_is_saved_and_not_shown(
    media_type: str, how: str
) -> None:
    page = b"<h:html xmlns:h='http://www.w3.org/1999/xhtml'><h:form action='https://evil.example'/>"
    sent = Document(media_type=media_type, extension="xml", body=Body(page))
    response = send_document(sent, file_name="a.xml", download=False, run_id="0123456789ab")
    assert response.headers["Content-Disposition"] == f'{how}; filename="a.xml"'


@pytest.mark.django_db
def test_a_large_document_is_streamed_and_released_at_the_end() -> None:
    large = document(PDF + bytes(1_500_000))
    size = large.size
    response = send_document(large, file_name="a.pdf", download=True, run_id="0123456789ab")
    assert isinstance(response, StreamingHttpResponse)

    async def read() -> int:
        return sum([len(chunk) async for chunk in response.streaming_content])

    assert asyncio.run(read()) == size
    response.close()
    with pytest.raises(ValueError, match="closed"):
        large.body.read()


def test_a_place_holder_passes_on_what_the_middleware_set_on_it() -> None:
    async def answer() -> HttpResponse:
        return HttpResponse(b"real", content_type="text/plain", headers={"X-Own": "inner"})

    response = DocumentResponse(answer)
    assert response.status_code == 503
    response.headers["X-Own"] = "outer"
    response.headers["X-Other"] = "outer"
    response.headers["Content-Length"] = "0"
    response.set_cookie("session", "s")
    real = opened(response)
    assert (real["X-Own"], real["X-Other"], real["Content-Type"]) == (
        "inner",
        "outer",
        "text/plain",
    )
    assert real.headers["Content-Length"] == "4"
    assert real.cookies["session"].value == "s"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("INV-1.pdf", 'inline; filename="INV-1.pdf"', id="plain"),
        pytest.param(
            'R"\r\nX: y.pdf',
            "inline; filename=\"R___X_ y.pdf\"; filename*=UTF-8''R%22%0D%0AX%3A%20y.pdf",
            id="hostile",
        ),
        pytest.param(
            "Grün.pdf", "inline; filename=\"Gr_n.pdf\"; filename*=UTF-8''Gr%C3%BCn.pdf", id="umlaut"
        ),
    ],
)
def test_a_file_name_cannot_end_its_header(name: str, expected: str) -> None:
    assert content_disposition(name, download=False) == expected


def test_a_missing_secret_is_a_token_error(cast: Cast) -> None:
    row = integration(cast.harper)
    row.stored_secrets.update(ciphertext=b"spoilt")
    with pytest.raises(TokenError):
        view(cast)
    assert Run.objects.get().reason == "missing-secret"


def test_status_410_means_that_the_document_was_not_found(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    services.set_enabled(integration=Integration.objects.get(), enabled=True)
    source.answer = (410, b"")
    with pytest.raises(DocumentNotFound):
        view(cast)
