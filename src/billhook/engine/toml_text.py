"""TOML as text: values written for people to read, and the line of a key found again."""

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
    """Write a value on one line, but a text of several lines as it is."""
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
    """Write a basic string. TOML's escapes are JSON's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_TABLE: Final = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*\S+?)?)\s*=""")
_KEY_PART: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^.\s"']+))\s*(?:\.|\Z)""")
_LAST_PART: Final = re.compile(r"\.?[^.\[\]]+\Z|\[\d+\]\Z")


def find_line(text: str, where: str) -> int | None:
    """Return the line, from 1, on which *where* (a dotted path) stands in *text*, or its table.

    It is for people, so it may miss what is written in an unusual way; then it is None.
    """
    lines = dict(_paths(text))
    while where:
        if where in lines:
            return lines[where]
        where = _LAST_PART.sub("", where)
    return None


def _paths(text: str) -> Iterator[tuple[str, int]]:
    """Yield the dotted path of each table and key that begins a line, with that line."""
    table = ""
    counts: dict[str, int] = {}
    for number, line in _lines_outside_texts(text):
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


def _lines_outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of *text* that don't begin inside a text of several lines."""
    open_quotes = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not open_quotes:
            yield number, line.rstrip("\r")
        for match in re.finditer(r"'''|\"\"\"", line):
            if not open_quotes:
                open_quotes = match[0]
            elif open_quotes == match[0]:
                open_quotes = ""
