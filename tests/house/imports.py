"""The imports of src/billhook, read from its syntax: those inside functions count as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from parsed import parsed

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src"
PUBLIC_FACE = "billhook.engine"
"""The one module that may pass on names: they are the library's public names."""


@dataclass(frozen=True)
class Import:
    """One imported name, as written: ``from module import name`` in a file's line."""

    file: Path
    line: int
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


@cache
def tree_of(path: Path) -> ast.Module:
    return parsed(path.read_text())


@cache
def modules() -> dict[str, Path]:
    """All modules of the package, by their dotted names."""
    found = {}
    for path in SOURCES.rglob("*.py"):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found[".".join(parts)] = path
    return found


def imports_in(path: Path) -> Iterator[Import]:
    """Every name of billhook that *path* imports from a module, anywhere in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("billhook"):
            for alias in node.names:
                yield Import(path, node.lineno, node.module or "", alias.name)


@cache
def names_defined_in(module: str) -> frozenset[str]:
    """The names that a module defines itself, rather than imports."""
    names: set[str] = set()
    for node in _outside_functions(tree_of(modules()[module])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _outside_functions(node)


def is_passed_on(each: Import) -> bool:
    """Whether the module that the name is imported from doesn't define it, or doesn't exist."""
    known = modules()
    if each.module == PUBLIC_FACE or f"{each.module}.{each.name}" in known:
        return False
    return each.module not in known or each.name not in names_defined_in(each.module)


def graph() -> dict[str, set[str]]:
    """The modules that each module imports, also inside functions and for types alone."""
    known = modules()
    return {
        name: {_target(each) for each in imports_in(path)} & known.keys() - {name}
        for name, path in known.items()
    }


def _target(each: Import) -> str:
    inner = f"{each.module}.{each.name}"
    return inner if inner in modules() else each.module


def find_circle(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of one import circle, or nothing if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
