"""Each name is imported from its home, no imports run in a circle, and folders stay small."""

from __future__ import annotations

from collections import Counter

from house.imports import ROOT, find_circle, graph, imports_in, is_passed_on, modules

MOST_MODULES = 20


def test_every_name_is_imported_from_the_module_that_defines_it():
    folders = (ROOT / name for name in ("src", "tests", "bench", "docs", "tools"))
    files = [path for folder in folders for path in folder.rglob("*.py")]
    passed_on = [
        f"{each}: {each.name} isn't defined in {each.module}"
        for path in files
        for each in imports_in(path)
        if is_passed_on(each)
    ]
    assert passed_on == []


def test_no_imports_run_in_a_circle():
    assert find_circle(graph()) == []


def test_a_circle_hidden_inside_a_function_is_found():
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert "billhook.server.composition" in graph()["billhook.server.start"]  # in a function


def test_a_folder_has_at_most_twenty_modules():
    sizes = Counter(path.parent for path in modules().values() if path.name != "__init__.py")
    assert {
        str(folder.relative_to(ROOT)): size for folder, size in sizes.items() if size > MOST_MODULES
    } == {}
