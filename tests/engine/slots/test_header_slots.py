"""A header is one line, whatever fills it, and some headers are not for filling."""

from __future__ import annotations

import pytest

from small_commands import compile_step, fill, misfits, problems_of


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Accept-Encoding",
        "content-length",
        "HOST",
    ],
)
def test_a_header_that_only_billhook_may_set_is_refused(name):
    (problem,) = problems_of(headers=((name, "x"),))
    assert (problem.code, problem.where) == ("header-denied", "commands.Case.headers[0]")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("X A", "1", "header-name", id="space-in-name"),
        pytest.param("X:", "1", "header-name", id="colon-in-name"),
        pytest.param("", "1", "header-name", id="no-name"),
        pytest.param("X-\u00c5", "1", "header-name", id="letter-in-name"),
        pytest.param("X\r\nY", "1", "control-character", id="line-break-in-name"),
        pytest.param("X-{{A}}", "1", "forbidden-position", id="token-in-name"),
        pytest.param("X", "a\r\nY: b", "control-character", id="line-break-in-value"),
        pytest.param("X", "{{A}}\t{{B}}", "control-character", id="tab-in-value"),
        pytest.param("X", " {{A}}", "header-whitespace", id="space-before"),
        pytest.param("X", "{{A}} ", "header-whitespace", id="space-after"),
        pytest.param("X", "\u00e5 {{A}}", "non-ascii", id="letter-in-value"),
        pytest.param("X", "x" * 8_001, "too-long", id="too-long"),
        pytest.param("Content-Type", "{{A}}", "forbidden-position", id="token-as-content-type"),
    ],
)
def test_an_invalid_header_is_reported(name, value, code):
    (problem,) = problems_of(headers=(("X-Good", "1"), (name, value)))
    assert (problem.code, problem.where) == (code, "commands.Case.headers[1]")


@pytest.mark.parametrize("name", ["Content-Type", "Authorization", "Cookie"])
def test_a_repeated_header_that_may_appear_only_once_is_refused(name):
    (problem,) = problems_of(headers=((name, "text/plain"), (name.lower(), "text/plain")))
    assert (problem.code, problem.where) == ("duplicate-header", "commands.Case.headers[1]")


@pytest.mark.parametrize(
    ("template", "value", "code"),
    [
        pytest.param("{{A}}", " a", "header-whitespace", id="space-first"),
        pytest.param("{{A}}", "a ", "header-whitespace", id="space-last"),
        pytest.param("Bearer {{A}}", "", "header-whitespace", id="empty-at-the-end"),
        pytest.param("{{A}}", "a\tb", "control-character", id="tab"),
        pytest.param("{{A}}", "a\nb", "control-character", id="line-feed"),
        pytest.param("{{A}}", "a\r\nX-Evil: 1", "control-character", id="new-header"),
        pytest.param("{{A}}", "\x7f", "control-character", id="delete"),
        pytest.param("{{A}}", "\x85", "control-character", id="next-line"),
        pytest.param("{{A}}", "å\n", "control-character", id="letter-and-line-feed"),
        pytest.param("{{A}}", "å", "non-ascii", id="letter"),
        pytest.param("{{A}}", "\u2028", "non-ascii", id="line-separator"),
        pytest.param("{{A}}", None, "null-value", id="null"),
        pytest.param("{{A}}", "x" * 9_000, "too-long", id="too-long"),
        pytest.param('"{{A}}"', 'a"', "quoted-string-break", id="quote"),
        pytest.param('"{{A}}"', "a\\", "quoted-string-break", id="backslash"),
        pytest.param('"\\"{{A}}"', 'a"', "quoted-string-break", id="after-an-escaped-quote"),
    ],
)
def test_a_value_that_breaks_a_header_is_refused(template, value, code):
    assert misfits(compile_step(headers=(("X", template),)), A=value) == [code]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        pytest.param("{{A}}", 'a "b" c', id="quotes-outside-a-quoted-text"),
        pytest.param('"x" {{A}}', '"', id="after-a-quoted-text"),
        pytest.param("{{A}}", "", id="empty-header"),
        pytest.param("{{A}}, {{B}}", "a ", id="space-inside"),
    ],
)
def test_a_harmless_value_is_kept_in_a_header(template, value):
    ((_, filled),) = fill(compile_step(headers=(("X", template),)), A=value).headers
    assert filled == template.replace("{{A}}", value).replace("{{B}}", "v")


@pytest.mark.parametrize(
    ("template", "value", "is_refused"),
    [
        pytest.param("a={{A}}; b=1", "x; c=2", True, id="semicolon"),
        pytest.param("a={{A}}; b=1", "x,c", True, id="comma"),
        pytest.param("a={{A}}; b=1", "x y", True, id="space"),
        pytest.param("a={{A}}; b=1", "x=y", False, id="equals-in-value"),
        pytest.param("{{A}}=1", "x=y", True, id="equals-in-name"),
        pytest.param("{{A}}=1", "", True, id="empty-name"),
        pytest.param("b=1; {{A}}=1", "x", False, id="second-name"),
        pytest.param("{{A}}", "sid=x", False, id="a-whole-cookie"),
    ],
)
def test_a_value_stays_in_its_cookie(template, value, is_refused):
    command = compile_step(headers=(("cookie", template),))
    if is_refused:
        assert misfits(command, A=value) == ["cookie-break"]
    else:
        assert fill(command, A=value).headers == (("cookie", template.replace("{{A}}", value)),)
