"""JSONPath follows RFC 9535, and goes on into a text that is JSON itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from billhook.engine.answer.formats.json_text import read_json
from billhook.engine.answer.json_query import JSONPathError, compile_json, find_all

SUITE = Path(__file__).parents[2] / "vectors" / "jsonpath" / "cts.json"
"""The JSONPath Compliance Test Suite, next to its licence."""
CASES = read_json(SUITE.read_text(encoding="utf-8"))["tests"]


def find(path: str, document: object) -> list[object]:
    """Return what *path* finds in *document* as it is read from a response."""
    return list(find_all(compile_json(path), read_json(json.dumps(document))))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_compliance_suite_holds(case):
    if case.get("invalid_selector"):
        with pytest.raises(JSONPathError):
            compile_json(case["selector"])
    else:
        found = list(find_all(compile_json(case["selector"]), case["document"]))
        assert found in case.get("results", [case.get("result")])


@pytest.mark.parametrize(
    "literal", ["1.1", "1.10", "11e-1", "0.11E+1", "110e-2", "1.1e0", "1.1e-0", "1.1e+00"]
)
def test_a_decimal_fraction_is_found_however_it_is_written(literal):
    documents = [{"a": 1.1, "n": 1}, {"a": 1.2, "n": 2}, {"a": "1.1", "n": 3}, {"a": 1, "n": 4}]
    assert find(f"$[?@.a=={literal}].n", documents) == [1]
    assert find(f"$[?@.a!={literal}].n", documents) == [2, 3, 4]
    assert find(f"$[?@.a>{literal}].n", documents) == [2]
    assert find(f"$[?@.a<={literal}].n", documents) == [1, 4]


@pytest.mark.parametrize(
    ("path", "document", "found"),
    [
        pytest.param("$.d.id", {"d": '{"id": 7}'}, [7], id="d-of-asp-net"),
        pytest.param("$.d[0].id", {"d": ' [{"id": 7}]'}, [7], id="list"),
        pytest.param("$.id", '{"id": 7}', [7], id="whole-response"),
        pytest.param("$.d.e.id", {"d": json.dumps({"e": '{"id": 7}'})}, [7], id="twice"),
        pytest.param("$.d[?@.n=='B'].id", {"d": '[{"n": "B", "id": 7}]'}, [7], id="filter"),
        pytest.param("$.d..id", {"d": '{"x": {"id": 7}}'}, [7], id="search-inside"),
        pytest.param("$.d", {"d": '{"id": 7}'}, ['{"id": 7}'], id="the-text-itself"),
        pytest.param("$.d.id", {"d": "{no json"}, [], id="other-text"),
        pytest.param("$.d.id", {"d": "[" * 100_000}, [], id="deep-text"),
        pytest.param("$..id", {"note": '{"id": 666}', "id": 7}, [7], id="search-past-a-text"),
        pytest.param(
            "$..*.id", {"note": '{"id": 666}', "x": {"id": 7}}, [7], id="search-then-name"
        ),
        pytest.param("$.total.id", {"total": 7}, [], id="number"),
    ],
)
def test_a_path_goes_into_a_text_of_json_that_it_names(path, document, found):
    assert find(path, document) == found
