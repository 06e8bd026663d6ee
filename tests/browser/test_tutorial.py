"""The tutorial, walked through as it says, without its camera."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def make_pictures():
    spec = importlib.util.spec_from_file_location("make_pictures", DOCS / "make_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tutorial_works_as_it_is_written(make_pictures, own_demo, visit, monkeypatch):
    shown, asked = set(), set()

    class Values(dict):
        def __getitem__(self, name):
            asked.add(name)
            return super().__getitem__(name)

    typed = Values(make_pictures.typed_values())
    monkeypatch.setattr(make_pictures, "typed_values", lambda: typed)
    make_pictures.walk(
        visit(own_demo), visit(own_demo), own_demo, lambda _page, name: shown.add(f"{name}.png")
    )
    assert asked == set(typed), "the tutorial asks readers to type texts that nobody types"
    assert shown == {path.name for path in (DOCS / "pictures").iterdir()}
