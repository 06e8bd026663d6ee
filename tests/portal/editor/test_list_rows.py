"""List commands in the editor's form: everything that a file holds is shown, and kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.config import PathConfig
from billhook.engine.integration_file.file import read_integration
from billhook.portal.editor.form import form_of, read_form, to_draft
from billhook.portal.editor.lists.texts import (
    minor_units_of,
    minor_units_text,
    path_of_text,
    path_text,
    paths_of_text,
    paths_text,
    table_of_text,
    table_text,
)
from billhook.portal.integrations.drafts import draft_of_file

HEAD = """
format = 1
[integration]
name = "Lists"
variables = { BaseUrl = "https://billing.example", Zone = "Europe/Berlin" }
secrets = ["ApiKey"]
"""
EVERYTHING = Path(__file__).with_name("every_list_key.toml").read_text()


class NoSealer:
    def open(self, _: str) -> None:
        return None


def posted(text: str):
    """Return the integration in *text*, and the one read after a round through a browser."""
    config = read_integration(text)
    form = read_form(form_of(draft_of_file(config)).fields(), NoSealer())
    return config, to_draft(form).config()


def test_every_key_of_a_list_command_survives_the_form() -> None:
    before, after = posted(EVERYTHING)
    assert after == before


def test_every_example_of_a_list_survives_the_form() -> None:
    files = sorted((Path(__file__).parents[2] / "engine/listing/examples").glob("*.toml"))
    assert files
    for file in files:
        before, after = posted(file.read_text())
        assert after == before, file.name


def test_presets_with_list_commands_survive_the_form() -> None:
    import billhook.presets

    for file in Path(billhook.presets.__path__[0]).glob("*.toml"):
        before, after = posted(file.read_text())
        assert after.commands == before.commands, file.name


PATHS = st.builds(
    PathConfig,
    kind=st.sampled_from(["json", "xpath", "header", "cookie", "regex", "column"]),
    text=st.text(min_size=1).filter(lambda text: text.strip(" \t\r\n") == text),
)


@given(PATHS)
def test_a_path_is_one_text(path: PathConfig) -> None:
    assert path_of_text(path_text(path)) == path


@given(st.lists(PATHS, max_size=4).map(tuple))
def test_paths_are_a_line_each(paths: tuple[PathConfig, ...]) -> None:
    assert paths_of_text(paths_text(paths)) == paths


@given(
    st.dictionaries(
        st.text(min_size=1), st.text() | st.booleans() | st.integers(-10, 10**6), min_size=1
    )
)
def test_a_table_is_a_line_for_each_pair(table) -> None:
    assert table_of_text(table_text(table)) == table


@pytest.mark.parametrize("value", [None, True, False, 0, 3, {"JPY": 0, "KWD": 3}])
def test_minor_units_are_a_word_a_number_or_exceptions(value) -> None:
    assert minor_units_of(minor_units_text(value)) == value


def test_every_example_of_the_documentation_survives_the_form() -> None:
    page = Path("docs/lists.md")
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL) if page.exists() else []
    for block in (each for each in blocks if "[commands.List" in each):
        before, after = posted(block if "format = 1" in block else HEAD + block)
        assert after == before
