"""A path finds values in a response, and the values of its tokens can't change it."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.paths import compile_path
from billhook.engine.body import Body
from billhook.engine.config import PathConfig
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Values, take_value

SCOPE = Scope(
    variables=MappingProxyType({}), secrets=frozenset(), tokens=frozenset({"Number", "Id"})
)
XML_TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xD7FF, exclude_characters="\x7f")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def content(body: str | bytes, *headers: tuple[str, str]) -> Content:
    return Content(200, headers, Body(body.encode() if isinstance(body, str) else body))


def find(kind: str, text: str, where: Content, tokens=None, **config):
    path, problems = compile_path(PathConfig(kind=kind, text=text, **config), "extract.X", SCOPE)
    assert path is not None, problems
    values = {name: take_value(value) for name, value in (tokens or {}).items()}
    return path.find(where, Values(values))


def problem(kind: str, text: str):
    path, problems = compile_path(PathConfig(kind=kind, text=text), "extract.X", SCOPE)
    assert path is None
    assert problems[0].where == "extract.X"
    return problems[0]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.data[0].id", [7]),
        ("$.data[*].id", [7, 8]),
        ("$.data[?@.number == '{{Number}}'].id", [8]),
        ('$.data[?@.number == "{{Number}}"].id', [8]),
        ("$.data[?@.number == {{Number}}].id", [8]),
        ("$.data[?@.id == {{Id}}].number", ["A"]),
        ("$['content@odata.link']", ["there"]),
        ("$.amount", [Decimal("12.30")]),
        ("$.none", []),
        ("$.nothing", [None]),
        ("$.yes", [True]),
    ],
)
def test_a_json_path_finds_its_values(path, found):
    body = (
        '{"data": [{"id": 7, "number": "A"}, {"id": 8, "number": "O\'Brien \\"7\\""}],'
        ' "content@odata.link": "there", "amount": 12.30, "nothing": null, "yes": true}'
    )
    assert find("json", path, content(body), {"Number": 'O\'Brien "7"', "Id": 7}) == found


@given(TEXTS, TEXTS)
@pytest.mark.parametrize("path", ["$['{{Number}}']", '$["{{Number}}"]'])
def test_for_any_value_a_json_path_selects_only_that_key(path, value, other):
    body = json.dumps({other: "other", value: "mine"})
    assert find("json", path, content(body), {"Number": value}) == ["mine"]


@given(TEXTS, TEXTS)
@pytest.mark.parametrize("path", ["$[?@.n=={{Number}}].i", "$[?@.n=='{{Number}}'].i"])
def test_for_any_value_a_filter_compares_only_with_it(path, value, other):
    body = json.dumps([{"n": other + "x", "i": 1}, {"n": value, "i": 2}])
    found = find("json", path, content(body), {"Number": value})
    assert found == [i for n, i in ((other + "x", 1), (value, 2)) if n == value]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("//No", ["A", "B"]),
        ("//Invoice[No='{{Number}}']/Id", ["2"]),
        ("//Invoice[No=concat('{{Number}}','')]/Id", ["2"]),
        ("//Invoice[@key='k-{{Number}}']/Id", ["2"]),
        ("//Invoice/@key", ["k-A", "k-B"]),
        ("string(//Id)", ["1"]),
        ("count(//Id)", [2.0]),
        ("boolean(//Nothing)", [False]),
        ("//Nothing", []),
    ],
)
def test_an_xpath_finds_its_values(path, found):
    body = (
        '<L><Invoice key="k-A"><No>A</No><Id>1</Id></Invoice>'
        '<Invoice key="k-B"><No>B</No><Id> 2 </Id></Invoice></L>'
    )
    assert find("xpath", path, content(body), {"Number": "B"}) == found


def test_an_xpath_knows_its_configured_namespaces():
    body = '<a:L xmlns:a="urn:x"><a:Id>7</a:Id></a:L>'
    assert find("xpath", "//q:Id", content(body), namespaces={"q": "urn:x"}) == ["7"]


@given(XML_TEXTS)
def test_for_any_value_an_xpath_compares_only_with_it(value):
    body = f"<L><I><N>{escape(value)}</N><V>mine</V></I><I><N>{escape(value)}!</N><V>no</V></I></L>"
    assert find("xpath", "//I[N='{{Number}}']/V", content(body), {"Number": value}) == ["mine"]


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [("", "urn:x"), ("a b", "urn:x"), ("1", "urn:x"), ("a:b", "urn:x"), ("a", "")],
)
def test_a_namespace_without_a_name_or_a_uri_is_reported(prefix, uri):
    config = PathConfig(kind="xpath", text="//Id", namespaces={prefix: uri})
    path, problems = compile_path(config, "extract.X", SCOPE)
    assert path is None
    assert problems[0].code == "path-syntax"


def test_a_kind_of_path_that_does_not_exist_is_reported():
    assert problem("jsn", "$.a").code == "unknown-choice"


def test_a_header_is_found_regardless_of_case():
    answer = content("", ("x-session", "s1"), ("X-Other", "o"))
    assert find("header", "X-Session", answer) == ["s1"]


def test_a_regular_expression_returns_the_text_of_its_group():
    answer = content("id=17&x\nid=18&x")
    assert find("regex", r"id=(\d+)", answer) == ["17", "18"]


def test_a_token_in_a_regular_expression_is_matched_literally():
    answer = content("a.c=1 abc=2")
    assert find("regex", r"{{Number}}=(\d)", answer, {"Number": "a.c"}) == ["1"]


def test_a_regular_expression_cannot_run_without_end():
    assert find("regex", r"(?:(a*)*)*$", content("a" * 100_000 + "!")) is not None


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("json", "", "empty-path"),
        ("json", "data[0]", "path-syntax"),
        ("json", "$.data[", "path-syntax"),
        ("json", "$.{{Unknown}}", "unknown-token"),
        ("json", "$.a[?@..b]", "path-too-wide"),
        ("json", "$.a[?@['x']..b]", "path-too-wide"),
        ("json", "$.a[?$.b == 1]", "path-too-wide"),
        ("json", r"$.a[?@['x\']'] == $.b]", "path-too-wide"),
        ("json", "$..a..b..c..d", "path-too-wide"),
        ("json", "$.a[?@[0,0][0,0][0,0]]", "path-too-wide"),
        ("json", "$." + "a" * 2000, "too-long"),
        ("xpath", "//a[", "path-syntax"),
        ("xpath", "//a[b={{Number}}]", "forbidden-position"),
        ("xpath", "//a[.//b]", "path-too-wide"),
        ("xpath", "//a[following::b]", "path-too-wide"),
        ("xpath", "//a//b//c//d", "path-too-wide"),
        ("xpath", "//a[../b[../c]]/preceding::d", "path-too-wide"),
        ("xpath", "//a" + "|//a" * 200, "path-too-wide"),
        ("xpath", "//q:a", "path-syntax"),
        ("xpath", "//a[re:test(., 'x')]", "path-syntax"),
        ("xpath", "document('x')", "path-syntax"),
        ("xpath", "//a[$b]", "path-syntax"),
        ("header", "X Y", "header-name"),
        ("header", "X-{{Number}}", "forbidden-position"),
        ("regex", "(", "path-syntax"),
        ("regex", "a", "regex-groups"),
        ("regex", "(a)(b)", "regex-groups"),
        ("regex", "(?=a)(b)", "path-syntax"),
    ],
)
def test_an_invalid_path_is_reported_when_it_is_saved(kind, text, code):
    assert problem(kind, text).code == code


@pytest.mark.parametrize(
    "path",
    [
        "//a[b='1' and (c or d)]/@e",
        "/a/child::b[position() = last()]",
        "//a/following-sibling::b[1]",
        "//Key[.='x']/../Value | //Other",
        "//*[local-name()='a'][starts-with(@xml:lang, 'de')]",
    ],
)
def test_usual_xpaths_are_not_refused_as_too_wide(path):
    assert find("xpath", path, content("<a/>")) == []


WIDE_XML = "<a>" * 200 + "<b><b/></b>" * 10_000 + "</a>" * 200
WIDE_JSON = json.dumps([["x" * 40] * 20_000])


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("xpath", "//a//b", WIDE_XML),
        ("xpath", "//b/following::b", WIDE_XML),
        ("xpath", "/a/a/b/following-sibling::b", WIDE_XML),
        ("xpath", "//b[count(../b) > 5]", WIDE_XML),
        ("xpath", "//b[count( /a/b) > 5]", WIDE_XML),
        ("json", "$..*..*", "[" * 90 + "1," * 90_000 + "1" + "]" * 90),
        ("json", "$" + "[0,0,0,0]" * 15 + ".b", "[" * 16 + "]" * 16),
    ],
)
def test_a_large_response_is_not_searched_repeatedly(kind, path, body):
    with pytest.raises(Unreadable, match="again and again"):
        find(kind, path, content(body))


@pytest.mark.parametrize("function", ["match", "search"])
def test_a_regular_expression_in_a_filter_cannot_run_without_end(function):
    path = f"$[*][?{function}(@, '(x|xx)+[yz]')]"
    assert find("json", path, content(WIDE_JSON)) == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("match(@, 'abc'), ?@ == 7", ["abc", 7]),
        ("match(@, 'a.c')", ["abc", "a.c"]),
        ("search(@, 'b')", ["abc", "xbx"]),
        (r"match(@, 'a[.]c')", ["a.c"]),
        (r"match(@, 'a\\.c')", ["a.c"]),
        ("match(@, '(')", []),
        ("match(@, 7)", []),
    ],
)
def test_the_functions_of_a_filter_follow_their_standard(condition, found):
    body = json.dumps(["abc", "a.c", "a\nc", "xbx", 7])
    assert find("json", f"$[?{condition}]", content(body)) == found


@pytest.mark.parametrize("value", [12.5, True, 10**20])
def test_a_value_that_is_not_an_index_is_not_found(value):
    with pytest.raises(Unreadable, match="can't be followed"):
        find("json", "$.a[{{Id}}]", content('{"a": [1]}'), {"Id": value})


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("json", "$.a", "<html>"),
        ("json", "$.a", "[" * 100_000),
        ("xpath", "//a", "{}"),
        ("xpath", "//a", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
    ],
)
def test_a_response_of_the_wrong_kind_for_the_path_is_unreadable(kind, path, body):
    with pytest.raises(Unreadable, match="response"):
        find(kind, path, content(body))


@pytest.mark.parametrize("encoding", ["UTF-8", "UCS-4", "UTF-16LE", "UTF-16BE"])
def test_entities_are_refused_in_every_encoding(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY x "y">]><a b="&x;"/>'
    body = text.encode({"UCS-4": "utf-32-be"}.get(encoding, encoding))
    with pytest.raises(Unreadable, match="declares entities"):
        find("xpath", "//a/@b", Content(200, (), Body(body)))


def test_an_external_document_type_is_never_fetched(tmp_path):
    (tmp_path / "x.dtd").write_text('<!ENTITY x "fetched">')
    body = f'<!DOCTYPE a SYSTEM "{tmp_path}/x.dtd"><a>&x;</a>'
    assert find("xpath", "//a", content(body)) == ["&x;"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("json", "$['{{Number|date:HH@Asia/Tokyo}}']"),
        ("xpath", "//a[@b='{{Number|date:HH@UTC}}']"),
        ("regex", "{{Number|date:HH@UTC}}(.)"),
    ],
)
def test_a_time_zone_is_not_allowed_in_a_path(kind, path):
    assert problem(kind, path).code == "forbidden-position"


def test_the_functions_with_arguments_are_allowed_in_a_path():
    body = content('{"INV-2026-7": 1, "0007": 2, "31.03.2026": 3}')
    assert find("json", "$['{{Number|replace:/:-}}']", body, {"Number": "INV/2026/7"}) == [1]
    assert find("json", "$['{{Number|pad:4}}']", body, {"Number": "7"}) == [2]
    assert find("json", "$['{{Number|date:dd.MM.yyyy}}']", body, {"Number": "2026-03-31"}) == [3]
