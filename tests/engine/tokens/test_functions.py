"""Each function after a pipe does what its line in the table says, and can be undone."""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.tokens.encoders import encode_segments
from billhook.engine.tokens.functions import (
    FUNCTIONS,
    MAX_RESULT,
    BadFunction,
    UnfitForFunction,
    find_function,
    function_names,
    make_function,
)
from billhook.engine.tokens.values import take_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def apply(name: str, text: str) -> str:
    function = find_function(name)
    assert function is not None
    return function(text)


@pytest.mark.parametrize("info", FUNCTIONS, ids=lambda info: info.name)
def test_the_table_shows_the_result_of_each_function(info):
    if info.name == "path":
        encoded = encode_segments(take_value(info.example))
        assert encoded == info.becomes
    else:
        assert apply(info.typed, info.example) == info.becomes


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


@pytest.mark.parametrize(
    "name",
    [
        "date",
        "date:",
        "date:%",
        "date:'yyyy",
        "date:yyyyy",
        "date:dd.mm.yyyy",
        "date:yyyy@",
        "date:yyyy@Nowhere/City",
        "date:yyyy@../../etc/passwd",
        "pad",
        "pad:",
        "pad:0",
        "pad:201",
        "pad:-1",
        "pad:x",
        "pad:٣",
        "pad:10:ab",
        "pad:10:a:b",
        "padright:1:",
        "replace",
        "replace:",
        "replace:a",
        "replace::a",
        "replace:a:b:c",
        "replace:a:b\\",
        "upper:x",
        "path:x",
        "Odata",
        "nofunction",
        "",
    ],
)
def test_there_are_no_other_functions(name):
    assert find_function(name) is None


@pytest.mark.parametrize(
    ("function", "text", "written"),
    [
        pytest.param("date:dd.MM.yyyy", "2026-03-31T23:30:00Z", "31.03.2026", id="its-own-zone"),
        pytest.param(
            "date:dd.MM.yyyy@Asia/Tokyo", "2026-03-31T23:30:00Z", "01.04.2026", id="moved"
        ),
        pytest.param("date:dd.MM.yyyy@Asia/Tokyo", "2026-03-31", "31.03.2026", id="date-is-kept"),
        pytest.param("date:HH:mm:ss.SSS", "2026-03-31T09:05:07.0619Z", "09:05:07.061", id="time"),
        pytest.param("date:h:mm a", "2026-03-31T00:05:00", "12:05 AM", id="midnight"),
        pytest.param("date:hh:mm a", "2026-03-31T13:05:00", "01:05 PM", id="afternoon"),
        pytest.param(
            "date:EEE, dd MMM yyyy HH:mm:ss 'GMT'",
            "2026-03-03T09:05:07Z",
            "Tue, 03 Mar 2026 09:05:07 GMT",
            id="http-date",
        ),
        pytest.param("date:EEEE d MMMM yy", "2026-03-03", "Tuesday 3 March 26", id="words"),
        pytest.param(
            "date:yyyy-MM-dd'T'HH:mm:ssXXX", "2026-03-31T09:05:07Z", "2026-03-31T09:05:07Z", id="z"
        ),
        pytest.param(
            "date:yyyy-MM-dd'T'HH:mm:ssxxx@Europe/Berlin",
            "2026-03-31T09:05:07Z",
            "2026-03-31T11:05:07+02:00",
            id="offset",
        ),
        pytest.param(
            "date:HHxx@America/St_Johns", "2026-01-31T09:05:07Z", "05-0330", id="half-hour"
        ),
        pytest.param(
            "date:HH:mmXXX@Asia/Tokyo", "2026-01-31T09:05", "09:05+09:00", id="no-zone-said"
        ),
        pytest.param("date:unix", "1970-01-02T00:00:00+01:00", "82800", id="unix"),
        pytest.param("date:unixms", "2026-03-31T09:05:07.061Z", "1774947907061", id="milliseconds"),
        pytest.param("date:unix@UTC", "2026-03-31", "1774915200", id="unix-of-a-date"),
        pytest.param(
            "date:unix@Europe/Berlin", "2026-03-31", "1774908000", id="unix-of-a-day-there"
        ),
        pytest.param("date:yyyyDDD", "2026-02-01", "2026032", id="day-of-the-year"),
        pytest.param("date:d 'o''clock' yy", "2026-03-31", "31 o'clock 26", id="quote"),
        pytest.param("date:''yy", "2026-03-31", "'26", id="two-quotes"),
        pytest.param("date:yyyy年M月d日", "2026-03-31", "2026年3月31日", id="other-signs"),
        pytest.param("date:yyyy", "2026-03-31 and more", "2026", id="something-behind"),
        pytest.param("pad:10", "4711", "0000004711", id="zeros"),
        pytest.param("pad:3", "4711", "4711", id="longer"),
        pytest.param("pad:6:x", "4711", "xx4711", id="character"),
        pytest.param("pad:6::", "4711", None, id="bare-colon"),
        pytest.param("pad:6:\\:", "4711", "::4711", id="colon"),
        pytest.param("padright:6", "4711", "4711  ", id="spaces"),
        pytest.param("replace:/:-", "INV/2026/7", "INV-2026-7", id="slashes"),
        pytest.param("replace:INV-:", "INV-7", "7", id="removed"),
        pytest.param("replace:\\::-", "a:b", "a-b", id="colon-replaced"),
        pytest.param("replace:\\\\:/", "a\\b", "a/b", id="backslash-replaced"),
        pytest.param("replace: :_", "a b c", "a_b_c", id="spaces-replaced"),
        pytest.param("replace:a:aa", "banana", "baanaanaa", id="never-twice"),
    ],
)
def test_a_function_with_an_argument(function, text, written):
    if written is None:
        assert find_function(function) is None
    else:
        assert apply(function, text) == written


@pytest.mark.parametrize(
    ("function", "suggestion"),
    [
        ("date:dd.mm.yyyy", "date:dd.MM.yyyy"),
        ("date:DD.MM.YYYY", "date:dd.MM.yyyy"),
        ("date:yyyy@Europe/Berlinn", "date:yyyy@Europe/Berlin"),
        ("date", "date:yyyy-MM-dd"),
        ("Date:yyyy", "date:yyyy-MM-dd"),
        ("pad:x", "pad:10"),
        ("padrigth:5", "padright:8:_"),
        ("replace:a", "replace:/:-"),
        ("uper", "upper"),
        ("upper:1", "upper"),
        ("xyz", None),
    ],
)
def test_a_wrong_function_is_answered_with_the_right_one(function, suggestion):
    with pytest.raises(BadFunction) as bad:
        make_function(function)
    assert bad.value.suggestion == suggestion
    assert suggestion is None or find_function(suggestion) is not None


@given(st.text(max_size=40))
def test_for_any_text_a_function_is_found_or_refused_with_advice(text):
    if find_function(text) is None:
        with pytest.raises(BadFunction, match=r"[.?]$"):
            make_function(text)


@given(TEXTS.filter(bool), TEXTS, TEXTS)
def test_replace_replaces_any_text_by_any_other(old, new, text):
    def escaped(part):
        return part.replace("\\", "\\\\").replace(":", "\\:")

    assert apply(f"replace:{escaped(old)}:{escaped(new)}", text) == text.replace(old, new)


@given(TEXTS, st.integers(1, 200))
def test_padding_adds_only_what_is_missing(text, width):
    padded = apply(f"pad:{width}", text)
    assert len(padded) == max(width, len(text))
    assert padded.endswith(text)
    assert not padded[: len(padded) - len(text)].strip("0")
    assert apply(f"padright:{width}:.", text) == text.ljust(width, ".")


@given(st.datetimes(), st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Apia"]))
def test_a_moment_stays_the_same_in_any_zone(at, zone):
    text = at.replace(microsecond=0).isoformat() + "Z"
    try:
        written = apply(f"date:yyyy-MM-dd'T'HH:mm:ssxxx@{zone}", text)
    except UnfitForFunction:
        assert at.year in {1, 9999}
        return
    if "+" in written[19:] or "-" in written[19:]:
        minutes = abs(datetime.fromisoformat(written) - datetime.fromisoformat(text))
        assert minutes < timedelta(minutes=1)  # old offsets have seconds, which no pattern writes


def test_a_result_can_not_grow_without_bound():
    with pytest.raises(UnfitForFunction, match="longer than"):
        apply("replace:a:" + "b" * 100, "a" * (MAX_RESULT // 50))


def test_an_offset_is_not_invented():
    with pytest.raises(UnfitForFunction, match="no time zone"):
        apply("date:HH:mmXXX", "2026-03-31T09:05:07")


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_refused(text):
    try:
        written = apply("date:dd.MM.yyyy HH:mm:ss@Europe/Berlin", text)
    except UnfitForFunction:
        return
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", written, re.ASCII)
