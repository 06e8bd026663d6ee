"""A failed response's own reason: taken out of it by a path, for people who may read it."""

from __future__ import annotations

import pytest

from billhook.engine.config import PathConfig
from billhook.engine.errors import BillhookError, DocumentNotFound, SourceSaidNo
from billhook.engine.integration_file.file import read_integration, write_integration
from billhook.engine.testing import Scripted, make_response
from step_runs import HEAD, as_json, as_pdf, problems_of, run_toml

SENTENCE = "You are not allowed to access 'Invoice'."


def refused() -> Scripted:
    return as_json({"error": {"message": SENTENCE}}, 403)


def plain(reason: str) -> str:
    return f"[commands.GetInvoiceImage]\nurl = '{{{{Base}}}}/pdf'\nreason = {reason}\n"


@pytest.mark.parametrize(
    ("reason", "answer", "expected"),
    [
        pytest.param("'$.error.message'", refused(), SENTENCE, id="json"),
        pytest.param("{ regex = '(You are [^.]*[.])' }", refused(), SENTENCE, id="regex"),
        pytest.param(
            "{ xpath = '//Message' }",
            make_response(b"<Error><Message>Access\n Denied.</Message></Error>", status=500),
            "Access Denied.",
            id="xml-in-lines",
        ),
        pytest.param(
            "{ header = 'X-Reason' }", as_json({}, 500, X_Reason="closed"), "closed", id="header"
        ),
        pytest.param(
            "'$.m'", as_json({"m": "<p>No <b>such</b> key</p>"}, 401), "No such key", id="tags"
        ),
        pytest.param("'$.m'", as_json({"m": "a\u202eb\u0007c"}, 401), "a b c", id="control"),
        pytest.param("'$.m'", as_json({"m": ["a"]}, 401), "", id="list"),
        pytest.param("'$.m'", as_json({}, 401), "", id="nothing"),
        pytest.param("'$.m'", make_response(b"<html>", status=500), "", id="unreadable"),
        pytest.param("'$.m'", as_json({"m": "n" * 900}, 404), "n" * 300 + "…", id="long"),
    ],
)
async def test_a_failed_response_gives_its_reason_in_one_line(reason, answer, expected):
    error = await run_toml(plain(reason), answer).failure(BillhookError)
    assert error.source_reason == expected
    assert expected == "" or expected not in error.public_message


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        pytest.param("success_when = [{ json = '$.ok', equals = true }]", SourceSaidNo, id="no"),
        pytest.param("extract = { Id = '$.id' }", DocumentNotFound, id="no-value"),
        pytest.param(
            "not_found_when = [{ json = '$.code', equals = 7 }]", DocumentNotFound, id="not-found"
        ),
    ],
)
async def test_every_way_to_fail_inside_a_response_has_the_reason(lines, kind):
    text = plain("'$.why'") + lines
    error = await run_toml(text, as_json({"why": "Trial ended", "code": 7})).failure(kind)
    assert error.source_reason == "Trial ended"


async def test_a_document_is_delivered_as_if_there_were_no_reason():
    with await run_toml(plain("'$.m'"), as_pdf()).document() as document:
        assert document.media_type == "application/pdf"


def test_a_file_keeps_the_reason_and_reports_an_invalid_one():
    config = read_integration(
        HEAD + plain("{ xpath = '//s:Message', namespaces = { s = 'urn:x' } }")
    )
    reason = PathConfig(kind="xpath", text="//s:Message", namespaces={"s": "urn:x"})
    assert config.commands[0].steps[0].reason == reason
    assert read_integration(write_integration(config)) == config
    (problem,) = problems_of(plain("'$.['"))
    assert (problem.code, problem.where) == ("path-syntax", "commands.GetInvoiceImage.reason")
