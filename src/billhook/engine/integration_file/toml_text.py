"""TOML as text: values written for people, and the lines of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

LINE_LENGTH: Final = 100
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NOT_LITERAL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f']")
_NOT_LITERAL_LINES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|'''|'\Z")
_PLAIN_NUMBER: Final = 1e9


def write_key(key: str) -> str:
    """Write a key, in quotes if it needs them."""
    return key if _BARE_KEY.fullmatch(key) else _basic(key)


def write_value(value: Any) -> str:
    """Write a value on one line, except a text of several lines."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _write_text(value)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < _PLAIN_NUMBER
        return str(int(value)) if whole else repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{write_key(key)} = {write_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(write_value(item) for item in value)}]"
    return str(value)


def write_pair(key: str, value: Any) -> str:
    """Write ``key = value``, and a list that is too long for one line with one item in each."""
    line = f"{write_key(key)} = {write_value(value)}"
    if len(line) <= LINE_LENGTH or isinstance(value, str) or not isinstance(value, Sequence):
        return line
    items = "".join(f"    {write_value(item)},\n" for item in value)
    return f"{write_key(key)} = [\n{items}]"


def _write_text(text: str) -> str:
    if "\n" in text:
        return _basic(text) if _NOT_LITERAL_LINES.search(text) else f"'''\n{text}'''"
    if '"' in text or "\\" in text:
        return _basic(text) if _NOT_LITERAL.search(text) else f"'{text}'"
    return _basic(text)


def _basic(text: str) -> str:
    """Write a basic string. TOML's escapes are those of JSON, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_TABLE: Final = re.compile(r"\s*(\[\[?)([^\[\]#]+)\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[^\s=]+)?)\s*=""")
_KEY_PART: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^.\s"']+))\s*(?:\.|\Z)""")
_TEXT_OR_COMMENT: Final = re.compile(
    r""""{3}(?:[^\\]|\\.)*?"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*""", re.DOTALL
)
_INSIDE: Final = "\0"
_LONGEST_LINE: Final = 2_000


def lines_by_path(text: str) -> dict[str, int]:
    """Return the line, from 1, of each key and table of *text* by its dotted path.

    It is for messages, so it may miss keys that are written in an unusual way.
    """
    return dict(_paths(text))


def find_line(lines: Mapping[str, int], where: str) -> int | None:
    """Return the line of *where*, or of the nearest table or list around it."""
    while where and where not in lines:
        end = where.rfind("[") if where.endswith("]") else where.rfind(".")
        where = where[: max(end, 0)]
    return lines.get(where)


def _paths(text: str) -> Iterator[tuple[str, int]]:
    """Yield the dotted path of each table and key that begins a line, with that line."""
    table = ""
    counts: dict[str, int] = {}
    for number, line in _lines_of_structure(text):
        if len(line) > _LONGEST_LINE:
            continue
        if header := _TABLE.fullmatch(line):
            table = _table_path(header, counts)
            yield table, number
        elif key := _KEY.match(line):
            yield ".".join(filter(None, (table, *_parts(key[1])))), number


def _table_path(header: re.Match[str], counts: dict[str, int]) -> str:
    path = ""
    parts = _parts(header[2])
    for index, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        is_new = header[1] == "[[" and index == len(parts) - 1
        if is_new:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path


def _parts(key: str) -> list[str]:
    return [match[1] or match[2] or match[3] or "" for match in _KEY_PART.finditer(key)]


def _lines_of_structure(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of *text* that begin outside of any list and text of several lines."""
    bones = _TEXT_OR_COMMENT.sub(lambda match: f"\n{_INSIDE}" * match[0].count("\n"), text)
    depth = 0
    lines = zip(text.split("\n"), bones.split("\n"), strict=True)
    for number, (line, bare) in enumerate(lines, start=1):
        if depth == 0 and not bare.startswith(_INSIDE):
            yield number, line.rstrip("\r")
        depth += bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
