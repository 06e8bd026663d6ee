"""Rows of a form are read from whatever is posted, and come back as they are."""

from __future__ import annotations

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.config import ConditionConfig, PathConfig
from billhook.portal.editor.form_rows import CommandRow, StepRow
from billhook.portal.editor.row_configs import condition_rows, conditions_of
from billhook.portal.editor.rows import (
    MAX_ROWS,
    fields_of,
    find_row,
    posted_again,
    read_row,
    tree_of,
)
from portal.cast import Cast, signed_in

PATH = PathConfig(kind="json", text="$.a")
scalars = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["true", "1", "1.0", "null", '"', '"a"', " a ", "a,b", "NaN", "[1]", "\\"])
)


@given(scalars)
def test_what_is_compared_keeps_its_kind_through_the_form(value):
    config = ConditionConfig(path=PATH, equals=value)
    [again] = conditions_of(posted_again(row) for row in condition_rows([config]))
    assert (type(again.equals), again.equals) == (type(value), value)


@given(st.lists(scalars, min_size=1, max_size=4))
def test_a_list_of_them_does_too(values):
    config = ConditionConfig(path=PATH, one_of=tuple(values))
    [again] = conditions_of(posted_again(row) for row in condition_rows([config]))
    assert again.one_of == tuple(values)
    assert [type(each) for each in again.one_of] == [type(each) for each in values]


def test_rows_come_in_the_order_of_their_numbers_and_not_of_their_fields():
    posted = {f"row-step-{number}-url": str(number) for number in (10, 9, 2)}
    row = read_row(CommandRow, tree_of(posted).at("row"))
    assert [step.url for step in row.steps] == ["2", "9", "10"]


@pytest.mark.parametrize(
    "key",
    [
        "step-x-url",
        "step--1-url",
        "step-٣-url",
        "step-1e3-url",
        "step-99999999999999999999-url",
        "step",
        "step-",
        "-",
        "",
        "answer-0-path",
        "x-" * 200,
    ],
    ids=lambda key: key[:24] or "nothing",
)
def test_keys_that_fit_no_field_are_passed_over(key):
    assert read_row(CommandRow, tree_of({f"row-{key}": "x"}).at("row")) == CommandRow()


def test_more_rows_than_anybody_types_are_not_read():
    posted = {f"row-header-{number}-name": "x" for number in range(MAX_ROWS + 50)}
    assert len(read_row(StepRow, tree_of(posted).at("row")).headers) == MAX_ROWS


def test_a_row_is_found_by_the_key_of_its_fields():
    row = CommandRow(steps=[StepRow(), StepRow(inner=[StepRow(url="here")])])
    keys = dict(fields_of(row, ""))
    assert keys["step-1-inner-0-url"] == "here"
    assert find_row(row, "step-1-inner-0") is row.steps[1].inner[0]


def test_a_hostile_form_is_answered_with_the_page(cast: Cast) -> None:
    fields = {"do": "save", "command": "x", "command-0": "x", "command-0-step": "x"}
    fields |= {"command-0-step-0-header-0": "x", "authentication-scheme": "nothing", "tls": "x"}
    fields |= {"command-0-step-0-ready-0-how": "x", "command-0-answer-kind": "x"}
    fields |= {"command-0-step-0-extract-0-how": "x", "command-0-step-0-extract-0-name": "A"}
    fields |= {"version": "9" * 40, "try-command": "-1", "on_failure": "x", "secret-0": "x"}
    address = reverse("backoffice:integration-new", args=[cast.harper.id])
    for do in ("save", "look", "use:0", "add:command-0-step-0-ready", "try"):
        response = signed_in(cast.bob).post(address, {**fields, "do": do})
        assert response.status_code in {200, 422}, do
