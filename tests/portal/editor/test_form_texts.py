"""Texts of a form are read from any post, and come back unchanged."""

from __future__ import annotations

from time import process_time

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.config import ConditionConfig, PathConfig
from billhook.portal.editor.command_row import command_kind
from billhook.portal.editor.editing import find_row
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.input_kinds import scalar_of, scalars_of
from billhook.portal.editor.path_rows import condition_node, condition_of, path_of
from billhook.portal.editor.row_kinds import step_kind
from billhook.portal.editor.tree import MAX_ROWS, Node, texts_node, tree_of
from portal.cast import Cast, signed_in

PATH = PathConfig(kind="json", text="$.a")
scalars = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["true", "1", "1.0", "null", '"', '"a"', " a ", "a,b", "NaN", "[1]", "\\"])
)


def posted_again(node: Node) -> Node:
    """Return *node* as it comes back from a browser that shows it and posts it unchanged."""
    return tree_of(dict(node.fields("row"))).at("row")


@given(scalars)
def test_a_compared_value_keeps_its_kind_through_the_form(value):
    config = ConditionConfig(path=PATH, equals=value)
    again = condition_of(posted_again(condition_node(config)))
    assert (type(again.equals), again.equals) == (type(value), value)


@given(st.lists(scalars, min_size=1, max_size=4))
def test_a_list_of_compared_values_keeps_their_kinds(values):
    config = ConditionConfig(path=PATH, one_of=tuple(values))
    again = condition_of(posted_again(condition_node(config)))
    assert again.one_of == tuple(values)
    assert [type(each) for each in again.one_of] == [type(each) for each in values]


def test_rows_are_ordered_by_their_numbers_and_not_by_their_fields():
    posted = {f"row-steps-{number}-url": str(number) for number in (10, 9, 2)}
    command = command_kind().read(tree_of(posted).at("row"))
    assert [step.url for step in command.steps] == ["2", "9", "10"]


@pytest.mark.parametrize(
    "key",
    [
        "steps-x-url",
        "steps--1-url",
        "steps-٣-url",
        "steps-1e3-url",
        "steps-99999999999999999999-url",
        "steps",
        "steps-",
        "-",
        "",
        "answer-0-path",
        "x-" * 200,
    ],
    ids=lambda key: key[:24] or "nothing",
)
def test_keys_without_a_field_are_ignored(key):
    kind = command_kind()
    assert kind.is_untouched(tree_of({f"row-{key}": "x"}).at("row"))


def test_no_more_rows_are_read_than_the_limit():
    posted = {f"row-headers-{number}-name": "x" for number in range(MAX_ROWS + 50)}
    assert len(step_kind().read(tree_of(posted).at("row")).headers) == MAX_ROWS


def test_a_row_is_found_by_the_prefix_of_its_fields():
    posted = {"command-0-steps-1-on_not_found-0-url": "here", "command-0-steps-0-url": "there"}
    form = EditorForm(tree_of(posted))
    assert form.fields() == posted
    kind, row = find_row(form, "command-0-steps-1-on_not_found-0")
    assert kind is step_kind()
    assert row.at("url").text == "here"


def test_a_hostile_form_gets_the_page_as_response(cast: Cast) -> None:
    fields = {"do": "save", "command": "x", "command-0": "x", "command-0-step": "x"}
    fields |= {"command-0-steps-0-headers-0": "x", "authentication-scheme": "nothing", "tls": "x"}
    fields |= {"command-0-steps-0-ready-0-how": "x", "command-0-answer-kind": "x"}
    fields |= {"command-0-steps-0-extract-0-how": "x", "command-0-steps-0-extract-0-name": "A"}
    fields |= {"version": "9" * 40, "try-command": "-1", "on_failure": "x", "secret-0": "x"}
    address = reverse("backoffice:integration-new", args=[cast.harper.id])
    for do in ("save", "look", "use:0", "add:command-0-steps-0-ready", "try"):
        response = signed_in(cast.bob).post(address, {**fields, "do": do})
        assert response.status_code in {200, 422}, do


@pytest.mark.parametrize("piece", ["A", "A ", "=", 'a="', "a=b ", '"', " "])
def test_a_long_text_of_namespaces_is_read_in_linear_time(piece: str) -> None:
    began = process_time()
    path_of(texts_node(namespaces=piece * (200_000 // len(piece))))
    assert process_time() - began < 1


@pytest.mark.parametrize("text", ['"\\ud800"', '"a\\udc00b"'])
def test_half_of_a_character_in_quotes_stays_as_it_is_typed(text: str) -> None:
    assert scalar_of(text) == text
    assert scalars_of(f"{text},1") == (text, 1)
