"""Paths to values in one row: of JSON, of XML, or the column of a CSV file."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jsonpath_rfc9535.selectors import IndexSelector, NameSelector
from lxml import etree

from billhook.engine.answer.content import Unreadable
from billhook.engine.answer.formats.json_text import exact
from billhook.engine.answer.json_query import JSONPathError, TooWide, compile_json, find_all

Taken = list[Any]
"""Values as a row has them: texts, numbers, booleans and None; a table is an empty one."""
MAX_TAKEN: Final = 1_000
"""So many values are taken by one path out of one row."""
_NOTHING: Final = object()


class RowPath(Protocol):
    """A compiled path in a row."""

    def take(self, row: Any) -> Taken:
        """Return the values found in *row*; raise Unreadable where it can't be followed."""
        ...


@dataclass(frozen=True, slots=True)
class JsonRowPath:
    """A JSONPath in a row that is JSON, whose root is the row."""

    text: str

    def take(self, row: Any) -> Taken:
        """Return the values of all nodes."""
        keys = _plain_keys(self.text)
        if keys is not None:
            value = _follow(row, keys)
            if value is not _NOTHING:
                return _plain_values((value,))
            if not _meets_text(row, keys):
                return []
        return _plain_values(find_nodes(self.text, row))


def find_nodes(text: str, document: Any) -> Iterable[Any]:
    """Return the values of all nodes that the JSONPath *text* finds, in order."""
    try:
        return list(find_all(_query(text), document))
    except TooWide:
        raise Unreadable("The path finds too much in one response.") from None
    except (JSONPathError, RecursionError):
        raise Unreadable("The path can't be followed in this response.") from None


@functools.lru_cache(maxsize=1_000)
def _query(text: str) -> Any:
    return compile_json(text)


@functools.lru_cache(maxsize=1_000)
def _plain_keys(text: str) -> tuple[str | int, ...] | None:
    """Return the keys of a path that names each of them, such as ``$.contact.emails[0]``."""
    keys: list[str | int] = []
    for segment in _query(text).segments:
        if len(segment.selectors) != 1 or "Recursive" in type(segment).__name__:
            return None
        (selector,) = segment.selectors
        if isinstance(selector, NameSelector):
            keys.append(selector.name)
        elif isinstance(selector, IndexSelector):
            keys.append(selector.index)
        else:
            return None
    return tuple(keys)


def _follow(value: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        if isinstance(key, str):
            if not isinstance(value, dict) or key not in value:
                return _NOTHING
            value = value[key]
        else:
            if not isinstance(value, list) or not -len(value) <= key < len(value):
                return _NOTHING
            value = value[key]
    return value


def _meets_text(value: Any, keys: tuple[str | int, ...]) -> bool:
    """Say whether the way leads into a text, which may hold JSON itself."""
    for key in keys:
        if isinstance(value, str):
            return True
        value = _follow(value, (key,))
    return False


def _plain_values(values: Iterable[Any]) -> Taken:
    taken: Taken = []
    for value in values:
        if isinstance(value, list):
            taken += [_plain(each) for each in value[:MAX_TAKEN]]
        else:
            taken.append(_plain(value))
        if len(taken) > MAX_TAKEN:
            raise Unreadable(f"A path finds more than {MAX_TAKEN:,} values in one row.")
    return taken


def _plain(value: Any) -> Any:
    return {} if isinstance(value, list | dict) else exact(value)


@dataclass(frozen=True, slots=True)
class XmlRowPath:
    """An XPath in a row that is an element of XML."""

    expression: str
    namespaces: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def find(self, row: Any) -> Any:
        """Return what the XPath gives: nodes, or a value."""
        try:
            return known_xpath(self.expression, self.namespaces)(row, **dict(self.variables))
        except etree.XPathError:
            raise Unreadable("The XPath can't be followed in this response.") from None

    def take(self, row: Any) -> Taken:
        """Return the text of each node found, or what the XPath's function gives."""
        found = self.find(row)
        if not isinstance(found, list):
            return [_whole(found)]
        return [_text_of(node) for node in found[:MAX_TAKEN]]


def _whole(value: Any) -> Any:
    """XPath's functions give floats; as amounts those would be wrong, so they are texts."""
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else repr(value)


def _text_of(node: Any) -> str:
    text = "".join(node.itertext()) if etree.iselement(node) else str(node)
    return text.strip()


@functools.lru_cache(maxsize=1_000)
def known_xpath(expression: str, namespaces: tuple[tuple[str, str], ...]) -> etree.XPath:
    """Return the compiled XPath, without the functions of EXSLT that may take for ever."""
    return etree.XPath(
        expression, namespaces=dict(namespaces) or None, regexp=False, smart_strings=False
    )


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """A column of a CSV file, by name."""

    name: str

    def take(self, row: Mapping[str, str]) -> Taken:
        """Return the field in that column."""
        if self.name not in row:
            near = ", ".join(list(row)[:20])
            raise Unreadable(f'The file has no column "{self.name}". It has: {near}.')
        return [row[self.name]]
