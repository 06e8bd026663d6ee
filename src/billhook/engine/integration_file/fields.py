"""Described fields in a file: one way of reading and writing for each kind of field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.field import FieldInfo, fields_of
from billhook.engine.integration_file.tables import Table

_ALWAYS_WRITTEN: Final = frozenset({"method"})
"""Fields that are written even if they have their default, for people who read the file."""


def _as_it_is(value: Any, info: FieldInfo) -> dict[str, Any]:
    return {info.key: list(value) if isinstance(value, tuple) else value}


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of field in a file.

    ``word`` is its name in the docs. ``read`` takes a value out of a table, and ``write`` returns
    the keys and values that represent it.
    """

    word: str
    read: Callable[[Table, FieldInfo], Any]
    write: Callable[[Any, FieldInfo], dict[str, Any]] = _as_it_is


FileKinds = Mapping[str, FileKind]


def _read_text(table: Table, info: FieldInfo) -> str:
    if info.required:
        return table.required_text(info.key, info.example)
    return table.text(info.key, _default(info, ""))


def _read_number(table: Table, info: FieldInfo) -> float:
    return table.number(info.key, _default(info, 0.0))


def _read_integer(table: Table, info: FieldInfo) -> int:
    return table.integer(info.key, _default(info, 0))


def _default(info: FieldInfo, nothing: Any) -> Any:
    return nothing if info.default is None else info.default


_TEXT: Final = FileKind("text", _read_text)
KINDS: Final[FileKinds] = {
    "text": _TEXT,
    "lines": _TEXT,
    "body": _TEXT,
    "choice": _TEXT,
    "boolean": FileKind("boolean", lambda table, info: table.boolean(info.key)),
    "optional-boolean": FileKind("boolean", lambda table, info: table.optional_boolean(info.key)),
    "number": FileKind("number", _read_number),
    "whole-number": FileKind("whole number", _read_integer),
    "whole-numbers": FileKind("list of whole numbers", lambda t, info: t.integers(info.key)),
    "scalar": FileKind("text, number or boolean", lambda t, info: t.scalar(info.key)),
    "scalars": FileKind("list of those", lambda table, info: table.scalars(info.key)),
    "words": FileKind("list of texts", lambda t, info: t.texts(info.key, _default(info, ()))),
    "texts": FileKind("table of texts", lambda table, info: table.text_table(info.key)),
    "pairs": FileKind(
        "list of pairs",
        lambda table, info: table.pairs(info.key),
        lambda value, info: {info.key: [list(pair) for pair in value]},
    ),
}
"""The kinds of single values; those of tables within tables are in :mod:`.commands`."""


def read_fields(
    owner: type, table: Table, kinds: FileKinds = KINDS, *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the values of the described fields of *owner* in *table*, by attribute."""
    return {
        info.attribute: kinds[info.kind].read(table, info)
        for info in fields_of(owner)
        if info.key not in without
    }


def write_fields(
    config: Any, kinds: FileKinds = KINDS, *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the described fields of *config* as keys and values, without defaults."""
    entries: dict[str, Any] = {}
    for info in fields_of(type(config)):
        value = getattr(config, info.attribute)
        is_written = info.required or value != info.default or info.key in _ALWAYS_WRITTEN
        if is_written and info.key not in without:
            entries |= kinds[info.kind].write(value, info)
    return entries
