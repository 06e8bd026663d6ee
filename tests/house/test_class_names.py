"""One name means one thing: no two classes of the package share a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from parsed import parsed

SOURCE = Path(__file__).resolve().parents[2] / "src" / "billhook"
NAMED_BY_DJANGO = {"DatabaseWrapper", "Migration"}


def homes_of_classes() -> dict[str, list[str]]:
    """Return the modules that define each name of a class."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in parsed(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(str(path.relative_to(SOURCE)))
    return homes


def test_every_class_has_its_own_name():
    homes = homes_of_classes()
    shared = {name for name, modules in homes.items() if len(modules) > 1} - NAMED_BY_DJANGO
    assert {name: homes[name] for name in shared} == {}
