"""A function after a pipe changes a value before its place encodes it; raw stays in its place."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.egress.url import Url, parse_url
from billhook.engine.errors import TokenError
from billhook.engine.secret import MASK, Secret
from small_commands import FORM, JSON, SITE, compile_step, fill, misfits, problems_of, with_body

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@pytest.mark.parametrize(
    ("url", "value", "target"),
    [
        pytest.param("?f=n%20eq%20'{{A|odata}}'", "O'B", "/?f=n%20eq%20'O%27%27B'", id="odata"),
        pytest.param("?q=number:'{{A|quote}}'", "O'B", "/?q=number:'O%5C%27B'", id="quote"),
        pytest.param("{{A|lower}}", "INV/7", "/inv%2F7", id="lower-then-encoded"),
        pytest.param("{{A|date:dd.MM.yyyy}}", "2026-03-31", "/31.03.2026", id="date"),
        pytest.param("?d={{A|date:d M yy}}", "2026-03-01", "/?d=1%203%2026", id="date-with-spaces"),
        pytest.param("{{A|base64}}", "a?", "/YT8%3D", id="base64-then-encoded"),
    ],
)
def test_a_function_is_applied_before_the_encoding_of_the_slot(url, value, target):
    assert fill(compile_step(url=SITE + url), A=value).target == target


@given(TEXTS)
def test_the_result_of_a_function_cannot_leave_its_slot(value):
    command = compile_step(url=f"{SITE}?f=n%20eq%20'{{{{A|odata}}}}'&b=1")
    filled = fill(command, A=value)
    pairs = parse_qsl(urlsplit(filled.url).query, keep_blank_values=True, strict_parsing=True)
    assert pairs == [("f", f"n eq '{value.replace(chr(39), chr(39) * 2)}'"), ("b", "1")]


def test_a_function_turns_a_number_into_text():
    command = compile_step(**with_body(JSON, '{"a": {{A}}, "b": {{A|upper}}}'))
    assert json.loads(fill(command, A=7).body) == {"a": 7, "b": "7"}


@pytest.mark.parametrize("text", ["48211", "-12.50", "0"])
def test_a_text_passed_through_number_is_a_number_in_bare_json(text):
    command = compile_step(**with_body(JSON, '{"ids": [{{A|number}}]}'))
    assert fill(command, A=text).body == f'{{"ids": [{text}]}}'.encode()


@pytest.mark.parametrize("text", ["00123", "1]", '1, "x": 2', "true"])
def test_a_text_that_is_not_a_number_cannot_become_one_in_json(text):
    command = compile_step(**with_body(JSON, '{"ids": [{{A|number}}]}'))
    assert misfits(command, A=text) == ["unfit-for-function"]


def test_a_function_on_a_variable_is_applied_when_the_command_is_compiled():
    command = compile_step(url="https://{{Scheme|upper}}.example/{{Path|upper}}")
    assert fill(command).url == "https://https.example/V1%2FX"
    assert command.steps[0].url.pieces == ()


def test_a_variable_that_its_function_cannot_accept_is_reported_when_it_is_compiled():
    (problem,) = problems_of(url=SITE + "{{Path|date:yyyy}}")
    assert (problem.code, problem.start, problem.end) == ("unfit-for-function", 18, 36)


def test_a_value_that_its_function_cannot_accept_is_reported_with_its_location():
    command = compile_step(url=SITE + "{{A|date:yyyy}}")
    with pytest.raises(TokenError) as refused:
        fill(command, A="soon")
    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("unfit-for-function", "commands.Case.url")
    assert problem.message == "The value of {{A}} is not a date such as 2026-03-31."
    assert "soon" not in repr(problem)


def test_null_cannot_pass_through_a_function():
    command = compile_step(**with_body(JSON, '{"a": {{A|upper}}}'))
    assert misfits(command, A=None) == ["null-value"]


def test_a_secret_through_a_function_stays_masked():
    command = compile_step(headers=(("X-Key", "{{S|base64}}"),))
    values = command.values({}, secrets={"S": Secret("c4nary")})
    assert command.steps[0].fill(values).headers == (("X-Key", "YzRuYXJ5"),)
    assert command.preview(values)[0].headers[0][1].text == MASK


@pytest.mark.parametrize(
    ("url", "value", "target"),
    [
        pytest.param("d/{{A|raw}}", "2026/a%20b.pdf", "/d/2026/a%20b.pdf", id="path"),
        pytest.param("d/{{A|raw}}/x", "a/b", "/d/a/b/x", id="inside-a-path"),
        pytest.param("d/{{A|raw}}", "/files/1.pdf", "/d/files/1.pdf", id="one-slash-is-dropped"),
        pytest.param("?{{A|raw}}", "a=1&b=/?x", "/?a=1&b=/?x", id="query"),
        pytest.param("d/{{A|raw}}", "ü<>", "/d/%C3%BC%3C%3E", id="what-no-url-holds"),
    ],
)
def test_raw_inserts_a_path_or_query_unchanged(url, value, target):
    assert fill(compile_step(url=SITE + url), A=value).target == target


@pytest.mark.parametrize(
    ("url", "value", "code"),
    [
        pytest.param("{{A|raw}}", "../x", "dot-segment", id="dots"),
        pytest.param("{{A|raw}}", "a/%2e%2e/x", "dot-segment", id="encoded-dots"),
        pytest.param("{{A|raw}}", "a//b", "empty-segment", id="two-slashes"),
        pytest.param("{{A|raw}}/x", "a/", "empty-segment", id="slash-at-the-seam"),
        pytest.param("{{A|raw}}", "//evil.example", "empty-segment", id="network-path"),
        pytest.param("{{A|raw}}", "", "empty-segment", id="nothing"),
        pytest.param("{{A|raw}}", "a?b=1", "url-syntax", id="query-in-path"),
        pytest.param("{{A|raw}}", "a#b", "url-syntax", id="fragment"),
        pytest.param("?{{A|raw}}", "a#b", "url-syntax", id="fragment-in-query"),
        pytest.param("{{A|raw}}", "a\\b", "url-syntax", id="backslash"),
        pytest.param("{{A|raw}}", "100%", "url-syntax", id="stray-percent"),
        pytest.param("{{A|raw}}", "a b", "control-character", id="space"),
        pytest.param("?{{A|raw}}", "a\r\nX: y", "control-character", id="line-break"),
    ],
)
def test_raw_cannot_leave_the_path_or_query(url, value, code):
    assert misfits(compile_step(url=SITE + url), A=value) == [code]


@given(TEXTS)
@pytest.mark.parametrize("url", ["x/{{A|raw}}/y", "x?q={{A|raw}}", "{{B}}/{{A|raw}}"])
def test_for_any_raw_value_the_url_stays_within_its_origin(url, value):
    command = compile_step(url=SITE + url)
    try:
        filled = fill(command, A=value)
    except TokenError:
        return
    parsed = parse_url(filled.url)
    assert isinstance(parsed, Url)
    assert (parsed.host, parsed.text) == ("a.example", filled.url)
    assert filled.target.startswith("/x" if url.startswith("x") else "/v/")


def test_a_raw_value_gets_a_remark_unless_the_member_typed_it():
    (note,) = compile_step(url=SITE + "{{Path|raw}}/{{A|raw}}").notes
    assert (note.code, note.where) == ("raw-value", "commands.Case.url")
    assert (note.start, note.end) == (len(SITE) + 13, len(SITE) + 22)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"headers": (("X", "{{A|raw}}"),)}, id="header"),
        pytest.param(with_body(FORM, "a={{A|raw}}"), id="form"),
        pytest.param(with_body(JSON, '{"a": "{{A|raw}}"}'), id="json"),
        pytest.param({"url": "https://{{Host|raw}}/"}, id="host"),
    ],
)
def test_raw_is_refused_everywhere_else(fields):
    (problem,) = problems_of(**fields)
    assert problem.code == "forbidden-position"


@pytest.mark.parametrize(
    ("url", "value", "target"),
    [
        pytest.param("d/{{A|path}}", "2026/03/INV 7.pdf", "/d/2026/03/INV%207.pdf", id="segments"),
        pytest.param("d/{{A|path}}", "/files/a?b#c.pdf", "/d/files/a%3Fb%23c.pdf", id="one-slash"),
        pytest.param("d/{{A|path}}/x", "a/b", "/d/a/b/x", id="inside"),
        pytest.param("d/x-{{A|path}}.pdf", "a/b", "/d/x-a/b.pdf", id="glued"),
        pytest.param("d/{{A|path}}", "a%2Fb/ü", "/d/a%252Fb/%C3%BC", id="encoded-again"),
        pytest.param("d/{{A|path}}", "INV-7", "/d/INV-7", id="one-segment"),
    ],
)
def test_path_inserts_several_segments(url, value, target):
    assert fill(compile_step(url=SITE + url), A=value).target == target


@pytest.mark.parametrize(
    ("url", "value", "code"),
    [
        pytest.param("{{A|path}}", "../x", "dot-segment", id="dots"),
        pytest.param("{{A|path}}", "a/..", "dot-segment", id="dots-at-the-end"),
        pytest.param("{{A|path}}", "a//b", "empty-segment", id="two-slashes"),
        pytest.param("{{A|path}}", "a/", "empty-segment", id="slash-at-the-end"),
        pytest.param("{{A|path}}", "//evil.example", "empty-segment", id="network-path"),
        pytest.param("{{A|path}}", "", "empty-segment", id="nothing"),
        pytest.param("{{A|path}}", "/", "empty-segment", id="only-a-slash"),
        pytest.param("x{{A|path}}", "/a", "empty-segment", id="slash-after-text"),
        pytest.param("{{A|path}}", "..\\x", "dot-segment", id="backslash"),
    ],
)
def test_path_cannot_leave_its_place(url, value, code):
    assert misfits(compile_step(url=SITE + url), A=value) == [code]


@given(TEXTS)
def test_for_any_value_path_writes_its_segments_and_no_others(value):
    command = compile_step(url=f"{SITE}d/{{{{A|path}}}}/e?f=1")
    try:
        filled = fill(command, A=value)
    except TokenError:
        return
    path, _, query = filled.target.partition("?")
    segments = [unquote(each) for each in path.split("/")]
    assert segments == ["", "d", *value.removeprefix("/").split("/"), "e"]
    assert query == "f=1"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"headers": (("X", "{{A|path}}"),)}, id="header"),
        pytest.param({"url": SITE + "?q={{A|path}}"}, id="query"),
        pytest.param(with_body(JSON, '{"a": "{{A|path}}"}'), id="json"),
        pytest.param({"url": "https://{{Host|path}}/"}, id="host"),
    ],
)
def test_path_is_refused_everywhere_else(fields):
    (problem,) = problems_of(**fields)
    assert problem.code == "forbidden-position"
    assert "URL's path" in problem.message
