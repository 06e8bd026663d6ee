"""A condition on a response is true or false, and never raises."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from billhook.engine.answer.conditions import compile_condition
from billhook.engine.answer.content import Content
from billhook.engine.body import Body
from billhook.engine.config import ConditionConfig, PathConfig
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Values, take_value

SCOPE = Scope(variables=MappingProxyType({}), secrets=frozenset(), tokens=frozenset({"Id"}))


def json_path(text: str) -> PathConfig:
    return PathConfig(kind="json", text=text)


def holds(config: ConditionConfig, body: str = "", status: int = 200, headers=()) -> bool:
    condition, problems = compile_condition(config, "success_when[0]", SCOPE)
    assert condition is not None, problems
    content = Content(status, headers, Body(body.encode()))
    return condition.holds(content, Values({"Id": take_value("7")}))


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ({"equals": True}, "true", True),
        ({"equals": True}, "false", False),
        ({"equals": True}, '"true"', True),
        ({"equals": True}, "1", False),
        ({"equals": 1}, "1.0", True),
        ({"equals": 1}, "true", False),
        ({"equals": "1"}, "1", True),
        ({"equals": "ready"}, '"ready"', True),
        ({"equals": "ready"}, '"Ready"', False),
        ({"not_equals": "failed"}, '"ready"', True),
        ({"not_equals": "failed"}, '"failed"', False),
        ({"one_of": ("a", "b")}, '"b"', True),
        ({"one_of": ("a", "b")}, '"c"', False),
        ({"equals": 1.1}, "1.10", True),
        ({"equals": 1.1}, "9" * 400, False),
        ({"one_of": (1.1, 2)}, "1.1", True),
        ({"matches": "^re"}, '"ready"', True),
        ({"matches": "^ad"}, '"ready"', False),
        ({"exists": True}, "null", True),
        ({"exists": False}, "null", False),
    ],
    ids=str,
)
def test_a_value_is_compared_as_people_would_expect(comparison, value, expected):
    config = ConditionConfig(path=json_path("$.v"), **comparison)
    assert holds(config, f'{{"v": {value}}}') is expected


def test_a_missing_value_equals_nothing():
    assert not holds(ConditionConfig(path=json_path("$.v"), equals="x"), "{}")
    assert holds(ConditionConfig(path=json_path("$.v"), not_equals="x"), "{}")
    assert holds(ConditionConfig(path=json_path("$.v"), exists=False), "{}")


def test_an_unreadable_response_matches_nothing():
    assert not holds(ConditionConfig(path=json_path("$.v"), equals=True), "<html>")
    assert holds(ConditionConfig(path=json_path("$.v"), exists=False), "<html>")


def test_a_status_matches_one_of_those_listed():
    assert holds(ConditionConfig(status=(404, 410)), status=410)
    assert not holds(ConditionConfig(status=(404, 410)), status=200)


def test_a_header_and_a_text_in_the_body_can_be_tested():
    header = PathConfig(kind="header", text="X-Result")
    assert holds(ConditionConfig(path=header, equals="no"), headers=[("x-result", "no")])
    assert holds(ConditionConfig(body_contains="not found"), "invoice not found!")
    assert not holds(ConditionConfig(body_contains="not found"), "here it is")


def test_the_path_of_a_condition_may_contain_tokens():
    config = ConditionConfig(path=json_path("$['{{Id}}'].ok"), equals=True)
    assert holds(config, '{"7": {"ok": true}, "8": {"ok": false}}')


def test_an_xml_boolean_is_read_as_a_boolean():
    config = ConditionConfig(path=PathConfig(kind="xpath", text="//ok"), equals=True)
    assert holds(config, "<r><ok>true</ok></r>")


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (ConditionConfig(), "condition-subject"),
        (ConditionConfig(status=(404,), body_contains="x"), "condition-subject"),
        (ConditionConfig(status=(40,)), "condition-status"),
        (ConditionConfig(status=(404,), equals="x"), "condition-test"),
        (ConditionConfig(path=json_path("$.v")), "condition-test"),
        (ConditionConfig(path=json_path("$.v"), equals="x", exists=True), "condition-test"),
        (ConditionConfig(path=json_path("$.v"), matches="("), "path-syntax"),
        (ConditionConfig(path=json_path("v"), equals="x"), "path-syntax"),
        (ConditionConfig(path=json_path("$['{{No}}']"), equals="x"), "unknown-token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_condition_is_reported_when_it_is_saved(config, code):
    condition, problems = compile_condition(config, "success_when[0]", SCOPE)
    assert condition is None
    assert [problem.code for problem in problems] == [code]
    is_of_regex = code == "path-syntax" and config.matches
    assert problems[0].where == f"success_when[0]{'.matches' if is_of_regex else ''}"
