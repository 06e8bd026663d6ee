"""One run from its command to its document, over loopback."""

from __future__ import annotations

import pytest

from billhook.engine.errors import DocumentNotFound, SourceRefused, SourceStatus, TokenError
from billhook.engine.http.trace import Trace
from billhook.engine.run import run_command
from engine.origins import always, answer, command, pdf, serving, transport_to


async def test_a_run_sends_the_filled_request_and_returns_the_exact_bytes_of_the_document():
    document_bytes = pdf(60_000)
    async with serving(always(answer(document_bytes))) as source, transport_to(source) as door:
        get_invoice = command(f"{source.url}/items/{{{{InvoiceNumber}}}}?copy=1")
        values = get_invoice.values({"InvoiceNumber": "INV 1/2"})
        with await run_command(get_invoice, values, transport=door) as document:
            assert document.body.read() == document_bytes
            assert (document.media_type, document.extension) == ("application/pdf", "pdf")
            assert document.size == 60_000
    assert source.requests[0].startswith(b"GET /items/INV%201%2F2?copy=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("status", "error", "attempt"),
    [
        pytest.param("404 Not Found", DocumentNotFound, "document-not-found", id="404"),
        pytest.param("410 Gone", DocumentNotFound, "document-not-found", id="410"),
        pytest.param("401 Unauthorized", SourceRefused, "source-refused", id="401"),
        pytest.param("403 Forbidden", SourceRefused, "source-refused", id="403"),
        pytest.param("500 Oh", SourceStatus, "source-status", id="500"),
        pytest.param("206 Partial", SourceStatus, "source-status", id="206-a-part-is-no-document"),
    ],
)
async def test_a_failed_status_has_its_own_error(status, error, attempt):
    async with (
        serving(always(answer(pdf(), status=status))) as source,
        transport_to(source) as door,
    ):
        get_invoice = command(f"{source.url}/invoice")
        trace = Trace()
        with pytest.raises(error):
            await run_command(get_invoice, get_invoice.values({}), transport=door, trace=trace)
    assert [(one.status, one.outcome) for one in trace.attempts] == [(int(status[:3]), attempt)]


@pytest.mark.parametrize(
    ("content_range", "is_whole"),
    [
        pytest.param("bytes 0-59999/60000", True, id="whole"),
        pytest.param("bytes 0-59999/60001", False, id="one-byte-is-missing"),
        pytest.param("bytes 1-60000/60000", False, id="not-from-the-start"),
        pytest.param("bytes 0-59999/*", False, id="of-unknown-length"),
    ],
)
async def test_a_part_that_is_all_there_is_counts_as_the_document(content_range, is_whole):
    reply = answer(pdf(60_000), f"Content-Range: {content_range}", status="206 Partial Content")
    async with serving(always(reply)) as source, transport_to(source) as door:
        get_invoice = command(f"{source.url}/invoice")
        run = run_command(get_invoice, get_invoice.values({}), transport=door)
        if is_whole:
            with await run as document:
                assert document.size == 60_000
        else:
            with pytest.raises(SourceStatus):
                await run


async def test_the_trace_shows_how_the_time_of_each_attempt_was_spent():
    async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
        get_invoice = command(f"{source.url}/invoice")
        trace = Trace()
        for _ in range(2):
            (await run_command(get_invoice, get_invoice.values({}), transport=door, trace=trace))
    first, second = trace.attempts
    assert (first.step, first.method, first.status, first.outcome) == (
        get_invoice.steps[0].name,
        "GET",
        200,
        "ok",
    )
    assert first.received_bytes > 2000
    assert first.timing.connect is not None
    assert first.timing.wait is not None
    assert first.timing.receive is not None
    assert first.timing.tls is None
    assert second.timing.connect is None, "the second request went over the same connection"
    assert source.connections == 1


async def test_invalid_values_are_reported_before_anything_is_sent():
    async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
        get_invoice = command(f"{source.url}/items/{{{{InvoiceNumber}}}}")
        with pytest.raises(TokenError):
            await run_command(
                get_invoice, get_invoice.values({"InvoiceNumber": ".."}), transport=door
            )
    assert source.connections == 0
