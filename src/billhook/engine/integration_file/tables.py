"""Typed values from tables that people wrote (TOML, JSON), with all problems collected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, cast

from billhook.engine.errors import Problem
from billhook.engine.integration_file.former_keys import FORMER_KEYS
from billhook.engine.tokens.catalogue import nearest

_Value = TypeVar("_Value")
Scalar = str | int | float | bool
_SCALARS: Final = (str, int, float, bool)
_SCALAR: Final = "text, a number, true or false"
_PART: Final = re.compile(r"\[\d+\]|[^.\[\]]+")

_KIND_NAMES: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: 'text in quotes ("…")',
    list: "a list ([…])",
    dict: "a table ({…})",
}


MAX_UNKNOWN: Final = 20
"""The most unknown keys that are reported of one table."""


class Table:
    """A table being read. Each key is requested by name; :meth:`end` reports all others.

    Problems are added to *problems*, and a default replaces each invalid value, so that one reading
    finds them all.
    """

    def __init__(self, table: Any, where: str, problems: list[Problem]) -> None:
        self.where = where
        self.problems = problems
        self._known: list[str] = []
        self._broken = False
        if isinstance(table, Mapping):
            self._table: Mapping[str, Any] = table
        else:
            self._table = {}
            self._broken = True
            self.report("wrong-type", f"This must be a table, not {kind_of(table)}.")

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def __iter__(self) -> Iterator[str]:
        return iter([str(key) for key in self._table])

    def path_of(self, key: str) -> str:
        """Return the dotted path of *key*."""
        return f"{self.where}.{key}" if self.where else key

    def report(
        self, code: str, message: str, *, key: str = "", suggestion: str | None = None
    ) -> None:
        """Add a problem of this table, or of its *key*."""
        where = self.path_of(key) if key else self.where
        self.problems.append(
            Problem(code=code, message=message, where=where, suggestion=suggestion)
        )

    def report_kind(self, key: str, expected: str) -> None:
        """Add a problem: the value at *key* is of the wrong kind."""
        message = f'"{key}" must be {expected}, not {kind_of(self.value(key))}.'
        self.report("wrong-type", message, key=key)

    def value(self, key: str) -> Any:
        """Return the value at *key*, of any type, or None."""
        self._known.append(key)
        return self._table.get(key)

    def text(self, key: str, default: str = "") -> str:
        """Return the text at *key*."""
        return self._typed(key, str, default)

    def required_text(self, key: str, example: str) -> str:
        """Return the text at *key*, which must be present."""
        if key not in self._table:
            self._known.append(key)
            if self._broken:
                return ""
            self.report(
                "missing-key", f'"{key}" is missing. Write, for example, {key} = "{example}".'
            )
            return ""
        return self.text(key)

    def integer(self, key: str, default: int) -> int:
        """Return the whole number at *key*."""
        return self._typed(key, int, default)

    def number(self, key: str, default: float) -> float:
        """Return the number at *key* as a float."""
        value = self.value(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value) if abs(value) < 2**53 else float("inf")
        return self._checked(key, value, float, default)

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """Return true or false at *key*."""
        return self._typed(key, bool, default)

    def optional_boolean(self, key: str) -> bool | None:
        """Return true or false at *key*, or None if there is no value."""
        return self.boolean(key) if key in self else self.value(key)

    def scalar(self, key: str) -> Scalar | None:
        """Return the text, number or boolean at *key*, or None if there is no value."""
        value: object = self.value(key)
        if isinstance(value, str | int | float | bool):
            return value
        if key in self:
            self.report_kind(key, _SCALAR)
        return None

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """Return the list of texts, numbers and booleans at *key*."""
        return tuple(self._items(key, _SCALARS, _SCALAR))

    def integers(self, key: str) -> tuple[int, ...]:
        """Return the list of whole numbers at *key*. A single one needs no list."""
        value = self.value(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,)
        return tuple(self._items(key, int))

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the list of texts at *key*."""
        if key not in self._table:
            self._known.append(key)
            return default
        return tuple(self._items(key, str))

    def text_table(self, key: str) -> dict[str, str]:
        """Return the table of texts at *key*."""
        found = self._typed(key, dict, {})
        inside = Table(found, self.path_of(key), self.problems)
        return {name: inside.text(name) for name in found}

    def table(self, key: str) -> Table:
        """Return the table at *key*, which is empty if there is no value."""
        value = self.value(key)
        return Table(value if key in self else {}, self.path_of(key), self.problems)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the list of pairs of texts at *key*."""
        pairs = []
        for index, item in enumerate(self._typed(key, list, [])):
            if (
                isinstance(item, list | tuple)
                and len(item) == len(("name", "value"))
                and all(isinstance(part, str) for part in item)
            ):
                pairs.append((item[0], item[1]))
            else:
                message = 'Each item is a pair of texts, such as ["Accept", "application/pdf"].'
                self.report("wrong-type", message, key=f"{key}[{index}]")
        return tuple(pairs)

    def tables(self, key: str) -> list[Table]:
        """Return the list of tables at *key*."""
        return [
            Table(item, f"{self.path_of(key)}[{index}]", self.problems)
            for index, item in enumerate(self._typed(key, list, []))
        ]

    def end(self) -> None:
        """Report every key that wasn't requested."""
        unknown = [str(key) for key in self._table if key not in self._known]
        for key in unknown[:MAX_UNKNOWN]:
            self._report_unknown(key, self._known)
        if len(unknown) > MAX_UNKNOWN:
            more = len(unknown) - MAX_UNKNOWN
            self.report("too-many", f"There are {more:,} more keys here that nothing knows.")

    def _report_unknown(self, key: str, known: Iterable[str]) -> None:
        present = FORMER_KEYS.get(key)
        if present in self._table:
            message = f'"{key}" is the former name of "{present}", and both are here. Remove it.'
            self.report("unknown-key", message, key=key)
            return
        near = nearest(key, known)
        advice = f'Did you mean "{near}"?' if near else f"Known here: {', '.join(known)}."
        self.report(
            "unknown-key", f'There is no key "{key}" here. {advice}', key=key, suggestion=near
        )

    def _typed(self, key: str, kind: type[_Value], default: _Value) -> _Value:
        return self._checked(key, self.value(key), kind, default)

    def _checked(self, key: str, value: Any, kind: type[_Value], default: _Value) -> _Value:
        if key not in self._table:
            return default
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.report(
            "wrong-type", f'"{key}" must be {_KIND_NAMES[kind]}, not {kind_of(value)}.', key=key
        )
        return default

    def _items(
        self, key: str, kind: type[_Value] | tuple[type[_Value], ...], name: str = ""
    ) -> list[_Value]:
        items: list[_Value] = []
        for index, item in enumerate(self._typed(key, list, [])):
            if isinstance(item, kind) and (kind is not int or not isinstance(item, bool)):
                items.append(item)
            else:
                expected = name or _KIND_NAMES[cast("type", kind)]
                message = f"Each item must be {expected}, not {kind_of(item)}."
                self.report("wrong-type", message, key=f"{key}[{index}]")
        return items


def rename_keys(data: dict[str, Any], mistyped: Iterable[Problem]) -> bool:
    """Give each mistyped key of *data* its suggested name, if that is free.

    Return whether any key was renamed.
    """
    renamed = False
    for problem in mistyped:
        path, _, key = problem.where.rpartition(".")
        table = _table_at(data, path)
        suggestion = problem.suggestion
        if table is not None and key in table and suggestion and suggestion not in table:
            table[suggestion] = table.pop(key)
            renamed = True
    return renamed


def _table_at(data: Any, where: str) -> dict[str, Any] | None:
    """Return the table at a dotted path such as ``commands.X.steps[1]``, if there is one."""
    for part in _PART.findall(where):
        try:
            data = data[int(part[1:-1]) if part.startswith("[") else part]
        except (KeyError, IndexError, TypeError):
            return None
    return data if isinstance(data, dict) else None


def kind_of(value: Any) -> str:
    """Return the kind of *value* in words."""
    if value is None:
        return "nothing"
    return next(
        (name for kind, name in _KIND_NAMES.items() if isinstance(value, kind)), "a date or time"
    )
