"""Conditions on a response decide: found or not, success or failure."""

from __future__ import annotations

import pytest

from billhook.engine.errors import (
    DocumentNotFound,
    SourceRefused,
    SourceSaidNo,
    SourceStatus,
)
from billhook.engine.testing import make_response
from step_runs import as_json, as_pdf, problems_of, run_toml


def with_lines(lines: str) -> str:
    """Return a command that looks an id up, with *lines* in that step."""
    return f"""
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{{{Base}}}}/find"
extract = {{ Id = {{ json = "$.id", none = "empty" }} }}
{lines}
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{{{Base}}}}/pdf?id={{{{Find.Id}}}}"
"""


SUCCESS = "success_when = [{ json = '$.success', equals = true }]"
MISSING = "not_found_when = [{ json = '$.error', equals = 'none' }, { body_contains = 'gone' }]"


@pytest.mark.parametrize(
    ("lines", "answer", "error"),
    [
        pytest.param(SUCCESS, as_json({"success": False, "id": 1}), SourceSaidNo, id="says-no"),
        pytest.param(SUCCESS, as_json({"id": 1}), SourceSaidNo, id="says-nothing"),
        pytest.param(SUCCESS, make_response(b"<html>"), SourceSaidNo, id="not-readable"),
        pytest.param(SUCCESS, as_json({"success": True}, status=500), SourceStatus, id="500"),
        pytest.param(SUCCESS, as_json({}, status=404), DocumentNotFound, id="404"),
        pytest.param(SUCCESS, as_json({}, status=401), SourceRefused, id="401"),
        pytest.param(MISSING, as_json({"error": "none"}), DocumentNotFound, id="error-in-200"),
        pytest.param(MISSING, as_json({"error": "none"}, 400), DocumentNotFound, id="error-in-400"),
        pytest.param(MISSING, as_json({"m": "it is gone"}), DocumentNotFound, id="any-of-them"),
        pytest.param(MISSING, as_json({}, status=404), SourceStatus, id="404-means-failed-now"),
        pytest.param(
            "success_when = [{ status = [200, 302] }]",
            as_json({}, status=201),
            SourceStatus,
            id="other-status",
        ),
        pytest.param(
            f"{MISSING}\n{SUCCESS}",
            as_json({"success": False, "error": "none"}),
            DocumentNotFound,
            id="not-found-comes-first",
        ),
    ],
)
async def test_a_response_that_fails_its_condition_ends_the_run(lines, answer, error):
    if error is SourceStatus and "302" in lines:
        error = SourceSaidNo
    run = run_toml(with_lines(lines), answer)
    failure = await run.failure(error)
    assert (failure.step, len(run.sent)) == ("Find", 1)
    assert run.trace.attempts[0].outcome == failure.code


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        pytest.param(SUCCESS, as_json({"success": True, "id": 1}), id="says-yes"),
        pytest.param(SUCCESS, as_json({"success": "true"}), id="says-yes-as-text"),
        pytest.param(MISSING, as_json({"error": None}), id="no-error"),
        pytest.param("success_when = [{ status = 500 }]", as_json({}, status=500), id="any-status"),
        pytest.param(
            "success_when = [{ header = 'X-Ok', exists = true }]",
            as_json({}, X_Ok="1"),
            id="header",
        ),
    ],
)
async def test_a_response_that_meets_its_condition_leads_to_the_next_step(lines, answer):
    run = run_toml(with_lines(lines), answer, as_pdf())
    await run.document()
    assert len(run.sent) == 2


async def test_conditions_apply_to_the_response_with_the_document_too():
    text = """
[commands.GetInvoiceImage]
url = "{{Base}}/{{InvoiceNumber}}"
answer = { base64 = "$['{{InvoiceNumber}}']" }
success_when = [{ json = "$.success", equals = true }]
"""
    await run_toml(text, as_json({"success": False, "INV-7": "x"})).failure(SourceSaidNo)


@pytest.mark.parametrize(
    ("lines", "code", "where"),
    [
        pytest.param("success_when = [{}]", "condition-subject", "success_when[0]", id="nothing"),
        pytest.param(
            "not_found_when = [{ status = 404, equals = 1 }]",
            "condition-test",
            "not_found_when[0]",
            id="comparison-of-status",
        ),
        pytest.param(
            "not_found_when = [{ json = '$.a', equal = 1 }]",
            "unknown-key",
            "not_found_when[0].equal",
            id="unknown-comparison",
        ),
        pytest.param(
            "success_when = [{ json = '$.a', xpath = '//a', exists = true }]",
            "misplaced-key",
            "success_when[0].xpath",
            id="two-paths",
        ),
        pytest.param(
            "success_when = [{ json = '$.a', exists = 'yes' }]",
            "wrong-type",
            "success_when[0].exists",
            id="truth",
        ),
        pytest.param(
            "success_when = [{ json = '$.a', equals = [] }]",
            "wrong-type",
            "success_when[0].equals",
            id="list-for-value",
        ),
        pytest.param(
            "success_when = [{ status = true }]",
            "wrong-type",
            "success_when[0].status",
            id="status",
        ),
    ],
)
def test_an_invalid_condition_is_reported_with_its_location(lines, code, where):
    problem = problems_of(with_lines(lines))[0]
    assert (problem.code, problem.where) == (code, f"commands.GetInvoiceImage.steps[0].{where}")
