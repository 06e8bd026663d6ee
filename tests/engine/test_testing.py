"""The fake transport and the builders, as programs that use the engine meet them."""

from __future__ import annotations

from dataclasses import replace

import pypdfium2
import pytest

from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.errors import DocumentNotFound, SourceStatus, SourceTimeout
from billhook.engine.http.trace import Trace
from billhook.engine.run import run_command
from billhook.engine.testing import FakeTransport, make_command, make_pdf, make_response


async def test_a_fake_responds_in_order_and_keeps_the_requests() -> None:
    get_invoice = make_command()
    door = FakeTransport(
        make_response(make_pdf()),
        make_response(status=404),
        SourceTimeout("connect"),
        lambda request: make_response(make_pdf(len(request.target) + 1000)),
    )
    trace = Trace()

    async def run(number: str) -> int:
        values = get_invoice.values({"InvoiceNumber": number})
        return (await run_command(get_invoice, values, transport=door, trace=trace)).size

    assert await run("INV-1") == 1000
    with pytest.raises(DocumentNotFound):
        await run("INV-2")
    with pytest.raises(SourceTimeout):
        await run("INV-3")
    assert await run("INV-4") == 1012
    assert [request.target for request in door.requests] == [
        f"/items/INV-{number}" for number in (1, 2, 3, 4)
    ]
    assert [(attempt.status, attempt.outcome) for attempt in trace.attempts] == [
        (200, "ok"),
        (404, "document-not-found"),
        (None, "source-timeout"),
        (200, "ok"),
    ]


def two_steps() -> Command:
    steps = (
        StepConfig(name="Make", url="https://a.example/", method="POST"),
        StepConfig(name="Get", url="https://b.example/{{InvoiceNumber}}"),
    )
    return compile_command(CommandConfig(name="GetInvoiceImage", steps=steps))


async def test_the_steps_of_a_command_are_sent_in_order_and_the_last_returns_the_document() -> None:
    command = two_steps()
    made = make_response(b"{}")
    door = FakeTransport(made, make_response(make_pdf()))
    values = command.values({"InvoiceNumber": "INV-1"})
    with await run_command(command, values, transport=door) as document:
        assert document.size == 1000
    assert [request.step for request in door.requests] == ["Make", "Get"]
    with pytest.raises(ValueError, match="closed"):
        made.body.read()


async def test_a_step_that_fails_is_the_last_one_sent() -> None:
    command = two_steps()
    door = FakeTransport(make_response(b"Oh", status=500), make_response(make_pdf()))
    trace = Trace()
    values = command.values({"InvoiceNumber": "INV-1"})
    with pytest.raises(SourceStatus):
        await run_command(command, values, transport=door, trace=trace)
    assert [(attempt.step, attempt.outcome) for attempt in trace.attempts] == [
        ("Make", "source-status")
    ]


async def test_a_request_without_a_prepared_response_is_a_fault_of_the_test() -> None:
    get_invoice = make_command("https://billing.example/")
    with pytest.raises(LookupError):
        await run_command(get_invoice, get_invoice.values({}), transport=FakeTransport())


async def test_a_fake_that_is_slower_than_the_deadline_runs_out_of_time() -> None:
    get_invoice = make_command("https://billing.example/")
    hurried = replace(get_invoice, limits=replace(get_invoice.limits, timeout=0.01))
    door = FakeTransport(make_response(make_pdf()), delay=60)
    with pytest.raises(SourceTimeout) as caught:
        await run_command(hurried, hurried.values({}), transport=door)
    assert caught.value.phase == "whole"


async def test_an_error_of_the_source_closes_the_body_of_its_response() -> None:
    response = make_response(b"Oh", status=500)
    get_invoice = make_command("https://billing.example/")
    with pytest.raises(SourceStatus):
        await run_command(get_invoice, get_invoice.values({}), transport=FakeTransport(response))
    with pytest.raises(ValueError, match="closed"):
        response.body.read()


@pytest.mark.parametrize("size", [500, 999, 1000, 10_000, 60_000, 100_001])
def test_a_generated_pdf_can_be_opened_and_has_exactly_the_requested_size(size: int) -> None:
    made = make_pdf(size)
    assert len(made) == size
    document = pypdfium2.PdfDocument(made)
    assert len(document) == 1
    document.close()


def test_a_size_too_small_for_a_pdf_is_refused() -> None:
    with pytest.raises(ValueError, match="500"):
        make_pdf(499)
