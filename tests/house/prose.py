"""Collects the text that people read: docstrings, comments, messages, test names, templates, docs.

Identifiers are left out, except for the names of tests: a class or a key may contain any word.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from parsed import parsed

ROOT = Path(__file__).resolve().parents[2]

LINES = {"", ".conf", ".env", ".js", ".md", ".nodes", ".service", ".sh", ".timer", ".toml", ".txt"}
MARKUP = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#|#\}|<!--|-->|<[^<>]*>", re.DOTALL)
LABELS = re.compile(r'\b(?:title|placeholder|alt|aria-label|content)="([^"]*)"')

DESCRIBED = (
    ast.Module,
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Assign,
    ast.AnnAssign,
)


class Text(NamedTuple):
    """A text of the project, and the line on which it begins."""

    path: str
    line: int
    text: str


def tracked_files(*suffixes: str) -> list[str]:
    """Return the files of the project with one of these *suffixes*, without the lock files."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [
        name
        for name in output.splitlines()
        if Path(name).suffix in suffixes
        and not name.startswith("requirements/")
        and (ROOT / name).is_file()
    ]


def texts_of_project() -> Iterator[Text]:
    """Yield every text that people read."""
    for name in tracked_files(".py", ".html", ".yaml", *LINES):
        yield from texts_of(name, (ROOT / name).read_text(encoding="utf-8"))


def texts_of(name: str, content: str) -> Iterator[Text]:
    """Yield the texts in the *content* of the file *name*."""
    if name.endswith(".py"):
        yield from _texts_of_python(name, content)
    elif name.endswith(".html"):
        yield from _texts_of_template(name, content)
    else:
        for line, text in enumerate(content.splitlines(), 1):
            yield Text(name, line, text)


def _texts_of_python(name: str, source: str) -> Iterator[Text]:
    """Yield comments, strings with a space, and the names of tests."""
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(name, token.start[0], token.string)
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(name, node.lineno, node.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "test_" in node.name[:5]:
            yield Text(name, node.lineno, node.name.replace("_", " "))


def _texts_of_template(name: str, source: str) -> Iterator[Text]:
    """Yield the text between the tags, and the attributes that people read."""
    blank = MARKUP.sub(lambda tag: re.sub(r"[^\n]", " ", tag[0]), source)
    for line, text in enumerate(blank.splitlines(), 1):
        yield Text(name, line, text)
    for label in LABELS.finditer(source):
        yield Text(name, source.count("\n", 0, label.start()) + 1, label[1])


def docstrings_of(name: str, source: str) -> Iterator[Text]:
    """Yield the docstrings of a module, and of its classes, functions and attributes."""
    for node in ast.walk(parsed(source)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        previous: ast.AST = node
        for statement in body:
            value = statement.value if isinstance(statement, ast.Expr) else None
            described = isinstance(previous, DESCRIBED)
            if described and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield Text(name, statement.lineno, value.value)
            previous = statement
