"""Rows within rows: a form as dataclasses, read from what was posted and found by its keys.

Django's own forms are flat. Here a text is a field, a truth a tick, and a list holds rows; the key
``command-0-step-1-header-2-name`` says where a field stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Final, TypeVar, cast

MAX_ROWS: Final = 100
"""Rows of one kind that are read from a form; the engine's own limits are lower."""
LINES: Final = {"kind": "lines"}
"""Marks a text with line breaks; spaces at its ends count."""
EXACT: Final = {"kind": "exact"}
"""Marks a text in one line in which spaces at the ends count."""
APART: Final = {"kind": "apart"}
"""Marks what isn't read from a field of its own."""
ON: Final = "on"
_LONGEST_KEY: Final = 200
_DIGITS: Final = 9


@dataclass(slots=True, kw_only=True)
class Row:
    """A part of a form, as typed."""

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was typed, so that it can be left out."""
        return self == type(self)()


AnyRow = TypeVar("AnyRow", bound=Row)


def rows_of(kind: Callable[[], type[Row]], key: str) -> Any:
    """Return a field that holds any number of rows; *key* names one in the keys of the form."""
    return field(default_factory=list, metadata={"kind": "rows", "key": key, "row": kind})


def row_of(kind: type[Row]) -> Any:
    """Return a field that holds one row."""
    return field(default_factory=kind, metadata={"kind": "row", "row": lambda: kind})


def texts_by_name() -> Any:
    """Return a field that holds texts by names that aren't known here."""
    return field(default_factory=dict, metadata={"kind": "texts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One field of a row: its attribute, its key, and how it is read."""

    name: str
    key: str
    kind: str
    default: Any
    row: Callable[[], type[Row]]


def specs_of(kind: type[Row]) -> tuple[Spec, ...]:
    """Return the fields of a kind of row, in order."""
    hashable: Any = kind  # mypy thinks that a class without a hash of its rows has none itself
    return _specs_of(hashable)


@cache
def _specs_of(kind: Any) -> tuple[Spec, ...]:
    return tuple(
        Spec(
            name=each.name,
            key=each.metadata.get("key", each.name),
            kind=each.metadata.get("kind") or _KINDS[type(each.default)],
            default=None if each.default is MISSING else each.default,
            row=each.metadata.get("row", lambda: Row),
        )
        for each in fields(kind)
        if each.metadata.get("kind") != "apart"
    )


_KINDS: Final[dict[type, str]] = {str: "text", bool: "tick", int: "whole"}


@dataclass(slots=True, kw_only=True)
class Posted:
    """What was posted, as a tree of the parts of its keys."""

    text: str | None = None
    inner: dict[str, Posted] = field(default_factory=dict)

    def at(self, key: str) -> Posted:
        """Return what stands at *key*; an empty one where nothing does."""
        node = self
        for part in key.split("-"):
            node = node.inner.get(part) or Posted()
        return node

    @property
    def rows(self) -> list[Posted]:
        """What stands at the numbers below, in their order."""
        numbers = [part for part in self.inner if part.isascii() and part.isdecimal()]
        short = sorted((int(part), part) for part in numbers if len(part) <= _DIGITS)
        return [self.inner[part] for _, part in short[:MAX_ROWS]]


def tree_of(posted: Mapping[str, str]) -> Posted:
    """Return *posted* as a tree, with the line breaks that were typed: HTML posts CR LF."""
    root = Posted()
    for name, text in posted.items():
        if len(name) <= _LONGEST_KEY:
            node = root
            for part in name.split("-"):
                node = node.inner.setdefault(part, Posted())
            node.text = text.replace("\r\n", "\n")
    return root


def read_row(kind: type[AnyRow], posted: Posted) -> AnyRow:
    """Return the row that was posted. A field that isn't there at all is as by default."""
    return kind(
        **{spec.name: _READ[spec.kind](spec, posted.at(spec.key)) for spec in specs_of(kind)}
    )


def _read_text(spec: Spec, posted: Posted) -> str:
    return cast("str", spec.default) if posted.text is None else posted.text.strip()


def _read_exactly(spec: Spec, posted: Posted) -> str:
    return cast("str", spec.default) if posted.text is None else posted.text


def _read_whole(spec: Spec, posted: Posted) -> int:
    text = posted.text or ""
    is_whole = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_whole else cast("int", spec.default)


_READ: Final[dict[str, Callable[[Spec, Posted], Any]]] = {
    "text": _read_text,
    "exact": _read_exactly,
    "lines": _read_exactly,
    "whole": _read_whole,
    "tick": lambda _, posted: bool(posted.text),
    "texts": lambda _, posted: {
        name: each.text for name, each in posted.inner.items() if each.text is not None
    },
    "row": lambda spec, posted: read_row(spec.row(), posted),
    "rows": lambda spec, posted: [read_row(spec.row(), each) for each in posted.rows],
}


def fields_of(row: Row, key: str) -> Iterator[tuple[str, str]]:
    """Return the fields of *row*, at *key*, as a browser posts them."""
    for spec in specs_of(type(row)):
        write = _WRITE.get(spec.kind, _write_line)
        yield from write(spec, getattr(row, spec.name), f"{key}-{spec.key}" if key else spec.key)


Fields = Iterator[tuple[str, str]]


def _write_line(spec: Spec, value: Any, key: str) -> Fields:  # noqa: ARG001 - as every kind
    yield key, str(value).replace("\r", "").replace("\n", "")


def _write_lines(spec: Spec, value: Any, key: str) -> Fields:  # noqa: ARG001 - as every kind
    yield key, value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def _write_tick(spec: Spec, value: Any, key: str) -> Fields:  # noqa: ARG001 - as every kind
    if value:
        yield key, ON


def _write_texts(spec: Spec, value: Any, key: str) -> Fields:  # noqa: ARG001 - as every kind
    for name, text in value.items():
        yield f"{key}-{name}", text


def _write_row(spec: Spec, value: Any, key: str) -> Fields:  # noqa: ARG001 - as every kind
    yield from fields_of(value, key)


def _write_rows(spec: Spec, value: Any, key: str) -> Fields:  # noqa: ARG001 - as every kind
    for number, row in enumerate(value):
        yield from fields_of(row, f"{key}-{number}")


_WRITE: Final[dict[str, Callable[[Spec, Any, str], Fields]]] = {
    "lines": _write_lines,
    "tick": _write_tick,
    "texts": _write_texts,
    "row": _write_row,
    "rows": _write_rows,
}


def posted_again(row: AnyRow) -> AnyRow:
    """Return *row* as it comes back from a browser that shows it and posts it unchanged."""
    return read_row(type(row), tree_of(dict(fields_of(row, "row"))).at("row"))


def find_row(root: Row, key: str) -> Row:
    """Return the row at *key*; raise LookupError or ValueError if there is none."""
    row, rest = root, key.split("-")
    while rest:
        spec = _spec(row, rest.pop(0))
        value = getattr(row, spec.name)
        row = value[int(rest.pop(0))] if spec.kind == "rows" else value
    return row


def find_rows(root: Row, key: str) -> tuple[list[Row], Spec]:
    """Return the list of rows at *key* and its field; raise as :func:`find_row` does."""
    above, _, last = key.rpartition("-")
    row = find_row(root, above) if above else root
    spec = _spec(row, last)
    if spec.kind != "rows":
        raise LookupError(key)
    return getattr(row, spec.name), spec


def _spec(row: Row, key: str) -> Spec:
    for spec in specs_of(type(row)):
        if spec.key == key and spec.kind in {"row", "rows"}:
            return spec
    raise LookupError(key)
