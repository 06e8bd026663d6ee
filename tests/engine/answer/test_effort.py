"""Reading that is proven to be quick happens at once: the form of a path and the marks prove it."""

from __future__ import annotations

import json
import time

import pytest

from billhook.engine.answer.content import Content
from billhook.engine.answer.effort import (
    QUICK_BYTES,
    UNBOUNDED,
    is_quick,
    json_weight,
    xpath_weight,
)
from billhook.engine.answer.paths import compile_path
from billhook.engine.body import Body
from billhook.engine.config import PathConfig
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Values

PLAIN_JSON = [
    "$.id",
    "$['a b'].c[0][-1]",
    "$.items[*].id",
    "$.items[?@.number=='INV-1'].id",
    "$.items[?(@.a.b == 1 && @['c'] != \"x\")].id",
    "$.items[0:5].id",
    "$..id",
    "$.d.results..items[?@.a]",
]
OTHER_JSON = [
    "$[?search(@.t, @.p)]",
    "$[?@.a==@.b]",
    "$..a..b",
    "$.a['b','c']",
    "$[?length(@.a)>1]",
    "$[?@[?@.a==1]]",
    "$[?!@.a]",
]
PLAIN_XPATH = [
    "/a/b/c",
    "//Number/text()",
    "//inv:Invoice/@id",
    "/a/*[2]/b[@x='1']",
    "//*[local-name()='Id']",
    "/list/invoice[number='INV-1']/id",
]
OTHER_XPATH = [
    "//a//b",
    "//a[b='1']",
    "/a/b!=/a/b",
    "/a/*|/a/b",
    "//*[translate(.,'abc','')='q']",
    "/a/b/..",
    "//a[contains(.,'x')]",
    "count(//a)",
    "/a/b[position()>1]",
]


@pytest.mark.parametrize("path", PLAIN_JSON)
def test_a_plain_json_path_has_a_weight(path: str) -> None:
    assert 0 < json_weight(path) < 100


@pytest.mark.parametrize("path", OTHER_JSON)
def test_any_other_json_path_has_none(path: str) -> None:
    assert json_weight(path) == UNBOUNDED


@pytest.mark.parametrize("path", PLAIN_XPATH)
def test_a_plain_xpath_has_a_weight(path: str) -> None:
    assert 0 < xpath_weight(path) < 100


@pytest.mark.parametrize("path", OTHER_XPATH)
def test_any_other_xpath_has_none(path: str) -> None:
    assert xpath_weight(path) == UNBOUNDED


LISTS = b"[" + b",".join([b"[]"] * 60_000) + b"]"
ROWS = json.dumps([{"number": f"INV-{n}", "id": n} for n in range(400)]).encode()
NESTED = b'{"a":' * 900 + b"1" + b"}" * 900
LONG = json.dumps({"id": 7, "content": "QUJD" * 60_000}).encode()
FLAT = b"<a>" + b"<b/>" * 1000 + b"</a>"
DEEP = b"<a>" * 250 + b"x" * 200_000 + b"</a>" * 250


def test_a_long_text_is_quick_and_many_values_are_not() -> None:
    path = json_weight("$.id")
    assert is_quick(path, Content(200, (), Body(LONG)))
    assert not is_quick(path, Content(200, (), Body(LISTS)))
    assert not is_quick(path, Content(200, (), Body(b" " * QUICK_BYTES + b"1")))


def test_status_and_headers_are_always_quick() -> None:
    assert is_quick(0, Content(200, (), Body(LISTS)))


@pytest.mark.parametrize(
    ("kind", "path", "data"),
    [
        *(("json", path, data) for path in PLAIN_JSON for data in (LISTS, ROWS, NESTED, LONG)),
        *(("xpath", path, data) for path in PLAIN_XPATH for data in (FLAT, DEEP)),
    ],
)
def test_what_is_called_quick_is(kind: str, path: str, data: bytes) -> None:
    namespaces = {"inv": "urn:x"} if kind == "xpath" else {}
    config = PathConfig(kind=kind, text=path, namespaces=namespaces)
    compiled, problems = compile_path(
        config, "x", Scope(variables={}, secrets=frozenset(), tokens=frozenset())
    )
    assert compiled is not None, problems
    content = Content(200, (), Body(data))
    if not is_quick(compiled.weight, content):
        return
    began = time.thread_time()
    try:
        compiled.find(content, Values({}))
    except Exception as error:  # noqa: BLE001 - how it ends is another test's fact
        assert type(error).__name__ == "Unreadable"  # noqa: PT017
    assert time.thread_time() - began < 0.1
