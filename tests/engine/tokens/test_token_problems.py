"""Each way to write a token wrongly is reported, with its location and its fix."""

from __future__ import annotations

import pytest

from small_commands import TEXT, compile_step, fill, problems_of, with_body


@pytest.mark.parametrize(
    ("text", "code", "span", "suggestion", "hint"),
    [
        pytest.param(
            "{{invoicenumber}}",
            "unknown-token",
            (0, 17),
            "{{InvoiceNumber}}",
            "Capital and small letters matter",
            id="case",
        ),
        pytest.param(
            "{{ InvoiceNumber }}",
            "malformed-token",
            (0, 19),
            "{{InvoiceNumber}}",
            "Drop the spaces",
            id="spaces",
        ),
        pytest.param(
            "{{ invoicenumber }}",
            "malformed-token",
            (0, 19),
            "{{InvoiceNumber}}",
            "write {{InvoiceNumber}}",
            id="spaces-and-case",
        ),
        pytest.param(
            "{{InvoiceNumber }}",
            "malformed-token",
            (0, 18),
            "{{InvoiceNumber}}",
            "Drop the spaces",
            id="space-after",
        ),
        pytest.param(
            "{{InvoiceNumber\n}}",
            "malformed-token",
            (0, 18),
            "{{InvoiceNumber}}",
            "Drop the spaces",
            id="line-break",
        ),
        pytest.param(
            "{{InvoiceNumbr}}",
            "unknown-token",
            (0, 16),
            "{{InvoiceNumber}}",
            "Did you mean {{InvoiceNumber}}?",
            id="near",
        ),
        pytest.param("{{Xyzzy}}", "unknown-token", (0, 9), None, "declare it", id="nothing-near"),
        pytest.param("{{", "malformed-token", (0, 2), None, "does not end", id="opening-alone"),
        pytest.param("x{{A", "malformed-token", (1, 3), None, "does not end", id="not-closed"),
        pytest.param("{{A}", "malformed-token", (0, 2), None, "does not end", id="closed-once"),
        pytest.param(
            "{{A {{B}}", "malformed-token", (0, 2), None, "does not end", id="opened-again"
        ),
        pytest.param("{{A{{B}}}}", "malformed-token", (0, 2), None, "does not end", id="nested"),
        pytest.param("{{}}", "malformed-token", (0, 4), None, "no name", id="empty"),
        pytest.param("{{ }}", "malformed-token", (0, 5), None, "no name", id="blank"),
        pytest.param("{{{A}}}", "malformed-token", (0, 6), "{{A}}", "three {", id="three-braces"),
        pytest.param("{{A.b}}", "unknown-token", (0, 7), None, "step called A", id="no-such-step"),
        pytest.param("{{A.b.c}}", "malformed-token", (0, 9), None, "one dot", id="two-dots"),
        pytest.param(
            "{{A.__class__}}", "malformed-token", (0, 15), None, "letters A to Z", id="attribute"
        ),
        pytest.param("{{A-B}}", "malformed-token", (0, 7), None, "letters A to Z", id="hyphen"),
        pytest.param(
            "{{1A}}", "malformed-token", (0, 6), "{{A}}", "begin with a letter", id="digit-first"
        ),
        pytest.param(
            "{{_A}}",
            "malformed-token",
            (0, 6),
            "{{A}}",
            "begin with a letter",
            id="underscore-first",
        ),
        pytest.param(
            "{{\u0410}}", "malformed-token", (0, 5), None, "another alphabet", id="cyrillic-a"
        ),
        pytest.param(
            "{{\uff21}}", "malformed-token", (0, 5), None, "another alphabet", id="full-width-a"
        ),
        pytest.param(
            "{{\u0406nvoiceNumber}}",
            "malformed-token",
            (0, 17),
            "{{InvoiceNumber}}",
            "another alphabet",
            id="lookalike",
        ),
        pytest.param(
            "{{" + "A" * 65 + "}}", "malformed-token", (0, 69), None, "64 characters", id="too-long"
        ),
        pytest.param("{{A||upper}}", "malformed-token", (0, 12), None, "one |", id="two-pipes"),
        pytest.param(
            "{{A|nofunction}}",
            "unknown-function",
            (0, 16),
            None,
            "nofunction",
            id="no-such-function",
        ),
        pytest.param(
            "{{A|uper}}",
            "unknown-function",
            (0, 10),
            "{{A|upper}}",
            "Did you mean upper?",
            id="near-function",
        ),
        pytest.param(
            "{{A|date:%Y}}",
            "unknown-function",
            (0, 13),
            "{{A|date:yyyy-MM-dd}}",
            "consists of yyyy",
            id="no-such-format",
        ),
        pytest.param(
            "{{A|date}}",
            "unknown-function",
            (0, 10),
            "{{A|date:yyyy-MM-dd}}",
            "needs a pattern",
            id="date-without-format",
        ),
        pytest.param("{{A| upper}}", "malformed-token", (0, 12), None, "one |", id="space-in-pipe"),
        pytest.param("{{A|raw}}", "forbidden-position", (0, 9), None, "Remove |raw", id="raw"),
        pytest.param("a\0b", "control-character", (1, 2), None, "can't be sent", id="nul"),
        pytest.param("a\ud800b", "invalid-unicode", (1, 2), None, "can't be sent", id="surrogate"),
    ],
)
def test_a_wrong_token_is_reported_at_its_position(text, code, span, suggestion, hint):
    (problem,) = problems_of(**with_body(TEXT, text))
    assert (problem.code, problem.where) == (code, "commands.Case.body")
    assert (problem.start, problem.end) == span
    assert suggestion is None or problem.suggestion == suggestion
    assert hint in problem.message


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("}}", "}}", id="closing-alone"),
        pytest.param("{ {A} }", "{ {A} }", id="single-braces"),
        pytest.param("{{A}} }}", "v }}", id="closing-after-a-token"),
        pytest.param("{{A}}}", "v}", id="third-brace-after"),
        pytest.param("{{A}}{{B}}", "vv", id="two-in-a-row"),
        pytest.param(
            "$A ${A} #{A} <%= A %> {% A %} %A%", "$A ${A} #{A} <%= A %> {% A %} %A%", id="others"
        ),
    ],
)
def test_text_that_is_not_a_token_is_left_unchanged(text, filled):
    assert fill(compile_step(**with_body(TEXT, text))).body.decode() == filled


def test_every_wrong_token_of_a_text_is_reported():
    problems = problems_of(**with_body(TEXT, "{{a}} {{ B }} {{Xyzzy}} {{A}}"))
    assert [problem.start for problem in problems] == [0, 6, 14]
