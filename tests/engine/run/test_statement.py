"""GetStatement: about a customer and a period, with the rules that an invoice's document has."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import date

import pytest

from billhook.engine import Secret, Trace
from billhook.engine.errors import (
    DocumentNotFound,
    NotADocument,
    SourceTooLarge,
    TokenError,
    WebPageInstead,
)
from billhook.engine.run import run_command
from billhook.engine.testing import FakeTransport, make_response
from step_runs import PDF, SITE, as_json, as_pdf, compile_toml, problems_of

MARCH = {
    "CustomerNumber": "C/1&x=2",
    "StatementStart": date(2026, 3, 1),
    "StatementEnd": "2026-03-31",
}


def asking(more: str = "") -> str:
    return f"""
[commands.GetStatement]
url = "{{{{Base}}}}/customers/{{{{CustomerNumber}}}}?to={{{{StatementEnd|date:dd.MM.yyyy}}}}"
method = "POST"
headers = [["Content-Type", "application/json"], ["X-Api-Key", "{{{{ApiKey}}}}"]]
body = '{{ "from": {{{{StatementStart}}}} }}'
{more}
"""


async def run(text: str, reply, tokens=None):
    """Run the command of *text*, and return the request that was sent and the document's bytes."""
    command, transport = compile_toml(text), FakeTransport(reply)
    values = command.values(tokens or MARCH, secrets={"ApiKey": Secret("k3y")})
    document = await run_command(command, values, transport=transport, trace=Trace())
    with document:
        return transport.requests[0], document.body.read()


def as_zip(content: bytes):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("statement.pdf", content)
    return make_response(file.getvalue())


async def test_customer_and_days_are_filled_each_for_its_slot():
    request, content = await run(asking(), as_pdf())
    assert content == PDF
    assert request.url == f"{SITE}/customers/C%2F1%26x%3D2?to=31.03.2026"
    assert bytes(request.body) == b'{ "from": "2026-03-01" }'


@pytest.mark.parametrize(
    ("more", "reply"),
    [
        pytest.param(
            'answer = { base64 = "$.pdf" }',
            as_json({"pdf": base64.b64encode(PDF).decode()}),
            id="base64",
        ),
        pytest.param('answer = { zip = "*.pdf" }', as_zip(PDF), id="zip"),
    ],
)
async def test_the_document_is_unwrapped_as_an_invoices_is(more, reply):
    _, content = await run(asking(more), reply)
    assert content == PDF


@pytest.mark.parametrize(
    ("more", "reply", "error"),
    [
        pytest.param("", as_json({}, status=404), DocumentNotFound, id="404"),
        pytest.param("", make_response(b"<html>Sign in</html>"), WebPageInstead, id="web-page"),
        pytest.param("", as_json({"a": 1}), NotADocument, id="no-document"),
        pytest.param('accept = ["image/png"]', as_pdf(), NotADocument, id="other-kind"),
        pytest.param(
            'max_bytes = 1000\nanswer = { zip = "*.pdf" }',
            as_zip(PDF),
            SourceTooLarge,
            id="too-large",
        ),
    ],
)
async def test_anything_else_is_the_same_error_as_for_an_invoice(more, reply, error):
    with pytest.raises(error):
        await run(asking(more), reply)


async def test_a_missing_or_unknown_token_is_reported_before_anything_is_sent():
    command = compile_toml(asking())
    with pytest.raises(TokenError) as refused:
        command.values({"CustomerNumber": "C-1", "InvoiceNumber": "INV-1"}, secrets={})
    found = [(each.code, each.where) for each in refused.value.problems]
    assert ("unknown-token", "tokens.InvoiceNumber") in found
    assert ("missing-token", "tokens.StatementStart") in found
    assert ("missing-token", "tokens.StatementEnd") in found


def test_a_token_of_an_invoice_has_no_meaning_here_and_the_nearest_name_is_offered():
    problems = problems_of(asking().replace("StatementStart", "StatementStrat"))
    assert [(each.code, each.suggestion) for each in problems] == [
        ("unknown-token", "{{StatementStart}}")
    ]
    (problem,) = problems_of(asking().replace("{{CustomerNumber}}", "{{InvoiceNumber}}"))
    assert problem.code == "unknown-token"
