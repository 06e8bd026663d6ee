"""A document that is a part of a response: SOAP with MTOM or attachments, and multipart/mixed."""

from __future__ import annotations

import base64

import pytest

from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    MissingValue,
    NotADocument,
    SourceCutShort,
    SourceTooLarge,
)
from billhook.engine.testing import make_pdf, make_response
from engine.multipart_messages import of_cxf, of_json_and_pdf, of_sap, of_wcf, respond
from step_runs import PDF, SITE, as_pdf, problems_of, run_toml

COMMAND = """
[commands.GetInvoiceImage]
method = "POST"
url = "{{{{Base}}}}/soap"
headers = [["Content-Type", "text/xml; charset=utf-8"]]
body = "<getInvoice><number>{{{{InvoiceNumber}}}}</number></getInvoice>"
repeatable = true
{more}
"""


def commanding(answer: str = "", more: str = "") -> str:
    line = f"answer = {{ {answer} }}\n" if answer else ""
    return COMMAND.format(more=line + more)


def at(name: str) -> str:
    return f"""base64 = {{ xpath = "//*[local-name()='{name}']" }}"""


MESSAGES = [
    pytest.param(of_wcf, "GetInvoiceResult", id="wcf"),
    pytest.param(of_cxf, "content", id="cxf"),
    pytest.param(of_sap, "Document", id="sap"),
]


@pytest.mark.parametrize(("message", "element"), MESSAGES)
@pytest.mark.parametrize("size", [1_000, 400_000], ids=["small", "read-apart"])
async def test_the_element_that_refers_to_a_part_is_the_document(message, element, size):
    pdf = make_pdf(size)
    with await run_toml(commanding(at(element)), message(pdf)).document() as document:
        assert document.body.read() == pdf


@pytest.mark.parametrize(("message", "element"), MESSAGES)
async def test_a_part_is_the_document_by_default(message, element):
    with await run_toml(commanding(), message(PDF)).document() as document:
        assert document.body.read() == PDF


@pytest.mark.parametrize(
    ("message", "part"),
    [
        pytest.param(of_wcf, "2", id="position"),
        pytest.param(of_wcf, '"2"', id="position-in-quotes"),
        pytest.param(of_cxf, '"application/pdf"', id="type"),
        pytest.param(of_sap, '"application/*"', id="types"),
        pytest.param(of_sap, '"cid:payload-42142d48dd4e81@sap.com"', id="content-id"),
        pytest.param(of_json_and_pdf, '"<doc>"', id="content-id-in-brackets"),
    ],
)
async def test_a_part_is_chosen_by_position_type_or_id(message, part):
    with await run_toml(commanding(f"part = {part}"), message(PDF)).document() as document:
        assert document.body.read() == PDF


async def test_conditions_and_values_are_of_the_root_part():
    more = """
success_when = [
  { xpath = "//*[local-name()='Kunde']", equals = "Müller" },
  { body_contains = "Müller" },
]
extract = { Who = { xpath = "//*[local-name()='Kunde']" } }
"""
    run = run_toml(commanding("part = 2", more), of_sap(PDF))
    with await run.document() as document:
        assert document.body.read() == PDF


async def test_the_reference_may_be_in_json():
    more = 'success_when = [{ json = "$.status", equals = "ready" }]'
    run = run_toml(commanding('base64 = "$.file"', more), of_json_and_pdf(PDF))
    with await run.document() as document:
        assert document.body.read() == PDF


async def test_a_value_of_the_root_part_goes_into_the_next_request():
    text = """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{Base}}/find"
extract = { Id = "$.id" }
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{Base}}/documents/{{Find.Id}}"
"""
    run = run_toml(text, of_json_and_pdf(b"x"), as_pdf())
    with await run.document():
        assert run.sent[1] == f"Take GET {SITE}/documents/7"


async def test_the_same_service_without_mtom_gives_the_same_document():
    plain = b"<r><content>" + base64.encodebytes(PDF) + b"</content></r>"
    with await run_toml(commanding(at("content")), make_response(plain)).document() as document:
        assert document.body.read() == PDF


SECOND = (["Content-Type: application/pdf"], make_pdf(700))


@pytest.mark.parametrize(
    ("answer", "message", "error"),
    [
        pytest.param("", of_json_and_pdf(PDF, SECOND), AmbiguousAnswer, id="two-documents"),
        pytest.param(
            'part = "application/pdf"',
            of_json_and_pdf(PDF, SECOND),
            AmbiguousAnswer,
            id="two-parts",
        ),
        pytest.param("part = 7", of_json_and_pdf(PDF), DocumentNotFound, id="no-such-part"),
        pytest.param("part = 1", of_json_and_pdf(PDF), NotADocument, id="another-part"),
        pytest.param("part = 2", as_pdf(), NotADocument, id="no-parts"),
        pytest.param("", of_json_and_pdf(b"x"), NotADocument, id="no-document"),
        pytest.param("part = 2", of_json_and_pdf(PDF[:-30]), SourceCutShort, id="cut"),
        pytest.param(
            'base64 = "$.file"',
            respond(b'--x\n\n{"file": "cid:no"}\n--x--', "multipart/mixed; boundary=x"),
            MissingValue,
            id="reference-to-nothing",
        ),
        pytest.param(
            'base64 = "$.file"',
            make_response(b'{"file": "cid:no"}'),
            MissingValue,
            id="reference-without-parts",
        ),
    ],
)
async def test_a_missing_or_ambiguous_part_is_reported(answer, message, error):
    assert type(await run_toml(commanding(answer), message).failure(error)) is error


async def test_a_part_over_the_limit_is_too_large():
    more = "max_bytes = 2000"
    for answer in ("part = 2", 'base64 = "$.file"'):
        large = of_json_and_pdf(make_pdf(2_001))
        await run_toml(commanding(answer, more), large).failure(SourceTooLarge)


@pytest.mark.parametrize("part", ['""', "0", '" "', "-1", '"invoice"'])
def test_an_invalid_part_is_a_problem(part):
    (problem,) = problems_of(commanding(f"part = {part}"))
    assert problem.code == "part-selector"
