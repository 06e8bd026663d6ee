"""One name means one thing: no two classes of the package share a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "billhook"
NAMED_BY_DJANGO = {"Migration"}
REMAINING = {"Answer", "Caller", "CommandStore", "Kind", "Prepared", "Use", "_Draft", "_Place"}
"""Names that still have two meanings. This set only shrinks."""


def homes_of_classes() -> dict[str, list[str]]:
    """Return the modules that define each name of a class."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(str(path.relative_to(SOURCE)))
    return homes


def test_every_class_has_a_name_of_its_own():
    shared = {name: homes for name, homes in homes_of_classes().items() if len(homes) > 1}
    assert {n: h for n, h in shared.items() if n not in NAMED_BY_DJANGO | REMAINING} == {}
