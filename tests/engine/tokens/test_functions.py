"""Each function after a pipe does what its line in the table says, and can be undone."""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.tokens.functions import (
    FUNCTIONS,
    UnfitForFunction,
    find_function,
    function_names,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def apply(name: str, text: str) -> str:
    function = find_function(name)
    assert function is not None
    return function(text)


@pytest.mark.parametrize("info", FUNCTIONS, ids=lambda info: info.name)
def test_the_table_shows_the_result_of_each_function(info):
    name = info.name.replace("FORMAT", "dd.MM.yyyy")
    assert apply(name, info.example) == info.becomes


def test_every_function_is_in_the_table():
    told = {info.name.partition(":")[0] for info in FUNCTIONS}
    assert {name.partition(":")[0] for name in function_names()} == told


@given(TEXTS)
def test_an_odata_literal_parses_back_to_the_value(text):
    literal = f"'{apply('odata', text)}'"
    assert re.fullmatch(r"'(?:[^']|'')*'", literal)
    assert literal[1:-1].replace("''", "'") == text


@given(TEXTS)
def test_a_quoted_literal_parses_back_to_the_value(text):
    literal = f"'{apply('quote', text)}'"
    assert re.fullmatch(r"'(?:[^'\\]|\\['\\])*'", literal, re.DOTALL)
    assert re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL) == text


@given(TEXTS)
def test_a_json_string_parses_back_to_the_value(text):
    assert json.loads(f'"{apply("json", text)}"') == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"])))
def test_html_parses_back_to_the_value_and_opens_no_tag(text):
    written = apply("html", text)
    assert not set("<>") & set(written)
    assert html.unescape(written) == text


@given(TEXTS)
def test_base64_decodes_back_to_the_value(text):
    assert base64.b64decode(apply("base64", text), validate=True).decode() == text
    short = apply("base64url", text)
    assert "=" not in short
    assert base64.urlsafe_b64decode(short + "=" * (-len(short) % 4)).decode() == text


@given(TEXTS)
def test_upper_and_lower_change_only_the_case(text):
    assert apply("upper", text) == text.upper()
    assert apply("lower", text) == text.lower()


@given(st.integers(-(10**30), 10**30) | st.decimals("-9999", "9999", places=2))
def test_a_number_is_written_as_json_writes_it(number):
    written = apply("number", str(number))
    assert json.loads(written, parse_float=Decimal) == number


@given(TEXTS.filter(lambda text: not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text, re.ASCII)))
def test_a_text_that_is_not_a_json_number_is_refused(text):
    with pytest.raises(UnfitForFunction, match="not a number"):
        apply("number", text)


@pytest.mark.parametrize("text", ["00123", "1e5", "+1", "1.", ".5", "-", "NaN", "1,2", "", "٣"])
def test_text_that_only_looks_like_a_number_is_refused(text):
    with pytest.raises(UnfitForFunction, match="not a number"):
        apply("number", text)


@given(TEXTS)
def test_raw_changes_nothing(text):
    assert apply("raw", text) == text


@given(st.dates(), st.sampled_from(["yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy", "yyyyMMdd"]))
def test_a_date_is_written_as_its_format_says(day: date, pattern):
    written = apply(f"date:{pattern}", day.isoformat())
    places = {"yyyy": f"{day.year:04}", "MM": f"{day.month:02}", "dd": f"{day.day:02}"}
    expected = pattern
    for field, text in places.items():
        expected = expected.replace(field, text)
    assert written == expected


def test_a_date_with_a_time_is_read_as_its_date():
    assert apply("date:d.M.yy", "2026-03-05T10:00:00Z") == "5.3.26"


def test_a_text_that_is_not_a_date_is_refused():
    with pytest.raises(UnfitForFunction, match="not a date"):
        apply("date:yyyy", "next week")


@pytest.mark.parametrize("name", ["date:", "date:%Y", "date:hh", "Odata", "nofunction", ""])
def test_there_are_no_other_functions(name):
    assert find_function(name) is None
