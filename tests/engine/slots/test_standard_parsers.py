"""A standard parser reads the given value out of each slot, and nothing else changes."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import assume, given
from hypothesis import strategies as st

from billhook.engine import CommandConfig, StepConfig
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import TokenError

NOT_IN_XML = "\x0b\x0c\ufffe\uffff" + "".join(map(chr, [*range(1, 9), *range(14, 32)]))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
xml_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=f"\0{NOT_IN_XML}"), max_size=60
)
header_texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
scalars = (
    texts
    | st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def compile_step(step, tokens=("A", "B")):
    return compile_command(CommandConfig(name="Case", steps=(step,), tokens=tokens))


def body_command(content_type, body):
    return compile_step(
        StepConfig(
            method="POST",
            url="https://a.example/",
            headers=(("Content-Type", content_type),),
            body=body,
        )
    )


PATH = compile_step(StepConfig(url="https://a.example/x/{{A}}/y/{{B}}.pdf"))
QUERY = compile_step(StepConfig(url="https://a.example/x?a={{A}}&k=v&b={{B}}"))
HEADER = compile_step(StepConfig(url="https://a.example/", headers=(("X-A", "a {{A}} z"),)))
QUOTED = compile_step(StepConfig(url="https://a.example/", headers=(("X-A", 'n="{{A}}"; b=1'),)))
COOKIE = compile_step(StepConfig(url="https://a.example/", headers=(("Cookie", "a={{A}}; b=2"),)))
FORM = body_command("application/x-www-form-urlencoded", "a={{A}}&k=v&b=x{{B}}")
JSON = body_command("application/json", '{"s": "<{{A}}>", "v": {{B}}, "n": [1, {"k": null}]}')
XML = body_command("text/xml", """<r k="v"><a>x{{A}}</a><b c='{{B}}' d="{{B}}"/></r>""")
TEXT = body_command("text/plain", "a={{A}}\nb={{B}}")


def codes_or_filled(command, **values):
    """Return the request, or the codes for which the values are refused."""
    try:
        return fill(command, **values)
    except TokenError as error:
        return {problem.code for problem in error.problems}


def fill(command, **values):
    (step,) = command.steps
    needed = {name: values.get(name, "1") for name in command.tokens}
    return step.fill(command.values(needed))


@given(texts, texts)
def test_a_path_parses_back_to_its_segments(a, b):
    request = codes_or_filled(PATH, A=a, B=b)
    if isinstance(request, set):
        assert request <= {"dot-segment", "empty-segment"}
        parts = (f"{a}/{b}.pdf").replace("\\", "/").split("/")
        assert not a or any(part.partition(";")[0] in {".", ".."} for part in parts)
        return
    parts = urlsplit(request.url)
    assert request.url.isascii()
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == (
        "https",
        "a.example",
        "",
        "",
    )
    assert [unquote(part) for part in parts.path.split("/")] == ["", "x", a, "y", f"{b}.pdf"]
    assert request.target == request.url.removeprefix("https://a.example")


@given(texts, texts)
def test_a_query_parses_back_to_its_values(a, b):
    request = fill(QUERY, A=a, B=b)
    parts = urlsplit(request.url)
    assert (parts.path, parts.fragment) == ("/x", "")
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert pairs == [("a", a), ("k", "v"), ("b", b)]


@given(texts, texts)
def test_a_form_parses_back_to_its_values(a, b):
    body = fill(FORM, A=a, B=b).body
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert pairs == [("a", a), ("k", "v"), ("b", f"x{b}")]


@given(texts, scalars)
def test_json_parses_back_to_its_values_with_their_types(a, b):
    body = json.loads(fill(JSON, A=a, B=b).body)
    assert body == {"s": f"<{a}>", "v": b, "n": [1, {"k": None}]}
    assert type(body["v"]) is type(b)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_bare_in_json_keeps_its_value(value):
    body = json.loads(fill(JSON, B=value).body, parse_float=Decimal, parse_int=Decimal)
    assert body["v"] == value


@given(xml_texts, xml_texts)
def test_xml_parses_back_to_its_values(a, b):
    root = fromstring(fill(XML, A=a, B=b).body)
    assert [(element.tag, list(element.attrib)) for element in root.iter()] == [
        ("r", ["k"]),
        ("a", []),
        ("b", ["c", "d"]),
    ]
    assert root.findtext("a") == f"x{a}"
    assert dict(root.find("b").attrib) == {"c": b, "d": b}


@given(texts, texts)
def test_plain_text_contains_values_unchanged(a, b):
    assert fill(TEXT, A=a, B=b).body == f"a={a}\nb={b}".encode()


@given(header_texts)
def test_a_header_contains_a_printable_value_unchanged(a):
    assert fill(HEADER, A=a).headers == (("X-A", f"a {a} z"),)


@given(texts)
def test_a_header_is_one_line_of_printable_ascii_for_any_value(a):
    assume(not (a.isascii() and a.isprintable()))
    with pytest.raises(TokenError):
        fill(HEADER, A=a)


@given(header_texts)
def test_a_quoted_text_in_a_header_ends_where_the_template_ends_it(a):
    request = codes_or_filled(QUOTED, A=a)
    if isinstance(request, set):
        assert request == {"quoted-string-break"}
        assert set(a) & {'"', "\\"}
        return
    assert request.headers[0][1].split('"') == ["n=", a, "; b=1"]


@given(header_texts)
def test_a_cookie_stays_one_cookie(a):
    request = codes_or_filled(COOKIE, A=a)
    if isinstance(request, set):
        assert request == {"cookie-break"}
        return
    cookies = SimpleCookie(request.headers[0][1])
    assert {name: morsel.value for name, morsel in cookies.items()} == {"a": a, "b": "2"}


SLOTS = pytest.mark.parametrize(
    "command",
    [PATH, QUERY, FORM, JSON, XML, TEXT],
    ids=["path", "query", "form", "json", "xml", "text"],
)


def sent(command, **values):
    """Return what is filled: the body, or the URL."""
    request = fill(command, **values)
    return (request.body or request.url.encode()).decode()


@SLOTS
@given(value=st.integers(-(10**40), 10**40))
def test_an_integer_is_written_as_its_digits_everywhere(command, value):
    assert str(value) in sent(command, A=value, B=value)


@SLOTS
@pytest.mark.parametrize("value", ["{{B}}", "{{A}}", "}}{{B}}{{", "{{B|upper}}"])
def test_no_value_is_expanded_a_second_time(command, value):
    assert sent(command, A=value, B="boom").count("boom") == sent(command, A="1", B="boom").count(
        "boom"
    )


@pytest.mark.parametrize(
    ("value", "text", "bare"),
    [
        pytest.param("00123", "00123", '"00123"', id="text"),
        pytest.param(True, "true", "true", id="true"),
        pytest.param(False, "false", "false", id="false"),
        pytest.param(0, "0", "0", id="zero"),
        pytest.param(-1, "-1", "-1", id="negative"),
        pytest.param(10**30, "1" + "0" * 30, "1" + "0" * 30, id="big"),
        pytest.param(19.5, "19.5", "19.5", id="float"),
        pytest.param(1e22, "1e+22", "1e+22", id="float-with-exponent"),
        pytest.param(Decimal("1240.00"), "1240.00", "1240.00", id="decimal-keeps-its-zeros"),
        pytest.param(Decimal("1E+3"), "1000", "1000", id="decimal-without-exponent"),
        pytest.param(Decimal("1E+999999"), "1E+999999", "1E+999999", id="huge-decimal-stays-short"),
        pytest.param(date(2026, 3, 31), "2026-03-31", '"2026-03-31"', id="date"),
    ],
)
def test_each_type_has_one_text_and_one_bare_form(value, text, bare):
    command = body_command("application/json", '["{{A}}", {{B}}]')
    assert fill(command, A=value, B=value).body.decode() == f'["{text}", {bare}]'
    assert fill(TEXT, A=value, B=value).body.decode() == f"a={text}\nb={text}"
