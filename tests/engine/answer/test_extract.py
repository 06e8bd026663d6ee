"""An extract takes one value from a response, or says why it can't."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from billhook.engine.answer.content import Content
from billhook.engine.answer.extract import compile_extract
from billhook.engine.body import Body
from billhook.engine.config import ExtractConfig, PathConfig
from billhook.engine.errors import AmbiguousAnswer, DocumentNotFound, MissingValue
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Values

SCOPE = Scope(variables=MappingProxyType({}), secrets=frozenset(), tokens=frozenset())


def take(body: str, path: str = "$.data[*].id", kind: str = "json", **config):
    typed = ExtractConfig(name="Id", path=PathConfig(kind=kind, text=path), **config)
    extract, problems = compile_extract(typed, "Find", "extract.Id", SCOPE)
    assert extract is not None, problems
    return extract.take(Content(200, (), Body(body.encode())), Values({}))


def test_a_single_value_is_extracted_with_its_type():
    assert take('{"data": [{"id": "007"}]}')[:3] == ("007", True, False)
    assert take('{"data": [{"id": 7}]}')[:3] == ("7", False, False)
    assert take("<a><id>7</id></a>", "//id", "xpath")[:3] == ("7", True, False)
    assert take("<a><id>7</id></a>", "count(//id)", "xpath")[:3] == ("1", False, False)


def test_a_secret_value_is_marked_as_secret():
    assert take('{"data": [{"id": "s"}]}', secret=True).secret


def test_a_missing_value_means_what_was_configured():
    with pytest.raises(DocumentNotFound):
        take('{"data": []}')
    with pytest.raises(MissingValue, match=r"\{\{Find.Id\}\}"):
        take('{"data": []}', none="failed")
    assert take('{"data": []}', none="empty").text == ""


def test_an_empty_text_is_a_value_but_not_a_url():
    empty = "<a><id/></a>"
    assert take(empty, "//id", "xpath").text == ""
    with pytest.raises(DocumentNotFound):
        take(empty, "//id", "xpath", url=True)


def test_null_is_not_a_value():
    with pytest.raises(DocumentNotFound):
        take('{"data": [{"id": null}]}')


def test_several_different_values_are_an_error_that_counts_them():
    with pytest.raises(AmbiguousAnswer, match="found 2 values") as raised:
        take('{"data": [{"id": 1}, {"id": 2}]}')
    assert raised.value.count == 2


def test_the_same_value_twice_counts_as_one():
    assert take('{"data": [{"id": 1}, {"id": 1}]}').text == "1"


def test_the_first_or_the_last_of_several_values_can_be_chosen():
    body = '{"data": [{"id": 1}, {"id": 2}]}'
    assert take(body, many="first").text == "1"
    assert take(body, many="last").text == "2"


def test_an_unreadable_response_is_an_error_and_not_a_missing_invoice():
    with pytest.raises(MissingValue, match="not JSON"):
        take("<html>")


def test_a_list_or_object_is_not_a_value():
    with pytest.raises(MissingValue, match="list or an object"):
        take('{"data": [{"id": [1]}]}')


@pytest.mark.parametrize(("key", "value"), [("none", "maybe"), ("many", "all")])
def test_an_unknown_choice_is_reported_when_it_is_saved(key, value):
    typed = ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.a"), **{key: value})
    extract, problems = compile_extract(typed, "Find", "extract.Id", SCOPE)
    assert extract is None
    assert (problems[0].code, problems[0].where) == ("unknown-choice", f"extract.Id.{key}")
