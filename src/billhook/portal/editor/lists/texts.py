"""Values of list commands as the texts of inputs, and back, without loss.

A path is one text: a JSONPath as it is (``$.number``), any other with its kind in front
(``column: Invoice no``, ``xpath: NUMBER``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from billhook.engine.config import PathConfig, Scalar
from billhook.engine.list_config import MinorUnits
from billhook.portal.editor.input_kinds import (
    NO,
    YES,
    InputKind,
    meant,
    scalar_of,
    scalar_text,
    stripped,
    visible,
    whole_number_of,
)
from billhook.portal.editor.path_rows import namespaces_of, namespaces_text

_KINDS: Final = "json|xpath|header|cookie|regex|column"
_WITH_KIND: Final = re.compile(rf"({_KINDS})(?:\[([^\]]*)\])?:[ \t]?(.*)", re.DOTALL)
_PAIR: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^="]+?)\s*=\s*(.*?)\s*')


def path_text(path: PathConfig | None) -> str:
    """Return *path* as one text."""
    if path is None:
        return ""
    if path.kind == "json" and path.text.startswith("$") and not path.namespaces:
        return visible(path.text)
    namespaces = f"[{namespaces_text(path.namespaces)}]" if path.namespaces else ""
    return visible(f"{path.kind}{namespaces}: {path.text}")


def path_of_text(text: str) -> PathConfig | None:
    """Return the path that :func:`path_text` shows as *text*; None for no text."""
    text = stripped(text)
    if not text:
        return None
    found = _WITH_KIND.fullmatch(text)
    if found is None:
        return PathConfig(kind="json", text=text)
    return PathConfig(kind=found[1], text=found[3], namespaces=namespaces_of(found[2] or ""))


def paths_text(paths: tuple[PathConfig, ...]) -> str:
    """Return *paths*, a line for each."""
    return "\n".join(path_text(path) for path in paths)


def paths_of_text(text: str) -> tuple[PathConfig, ...]:
    """Return the paths in the lines of *text*."""
    found = (path_of_text(line) for line in text.split("\n"))
    return tuple(path for path in found if path is not None)


def table_text(table: Mapping[str, Scalar] | None) -> str:
    """Return *table*, a line for each pair: ``PAID = paid``."""
    pairs = (table or {}).items()
    return "\n".join(
        f"{_name_text(name)} = {scalar_text(value, listed=True)}" for name, value in pairs
    )


def _name_text(name: str) -> str:
    match = _PAIR.fullmatch(f"{name} = x")
    is_plain = match is not None and match[1] == name and not name.startswith('"')
    return name if is_plain and name.isprintable() else json.dumps(name)


def table_of_text(text: str) -> dict[str, Scalar] | None:
    """Return the pairs in the lines of *text*; None for no text. A line without = is a name."""
    lines = [line for line in text.split("\n") if line.strip()]
    return dict(map(_pair_of, lines)) if lines else None


def _pair_of(line: str) -> tuple[str, Scalar]:
    match = _PAIR.fullmatch(line)
    if match is None:
        return meant(line.strip()), ""
    name = scalar_of(match[1]) if match[1].startswith('"') else meant(match[1])
    return str(name), scalar_of(match[2])


def minor_units_text(value: MinorUnits | None) -> str:
    """Return whether amounts are in minor units: ``yes``, a number of digits, or exceptions."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int):
        return str(value)
    return ", ".join(f"{name} = {digits}" for name, digits in value.items())


def minor_units_of(text: str) -> MinorUnits | None:
    """Return what :func:`minor_units_text` shows as *text*."""
    text = text.strip()
    if text.lower() in {YES, NO, ""}:
        return {YES: True, NO: False}.get(text.lower())
    if "=" not in text:
        return whole_number_of(text)
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): whole_number_of(digits) for name, _, digits in pairs}


def _optional(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: read(text) if text.strip() else None


def _optional_text(show: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: "" if value is None else show(value)


_PATH: Final = InputKind(read=path_of_text, show=path_text)
LIST_INPUT_KINDS: Final = {
    "yes": InputKind(
        control="choice",
        read=lambda text: text != NO,
        show=lambda value: YES if value else NO,
    ),
    "duration": InputKind(read=stripped),
    "percent": InputKind(read=stripped),
    "day": InputKind(read=stripped),
    "optional-whole-number": InputKind(read=_optional(whole_number_of), show=_optional_text(str)),
    "scalar": InputKind(read=_optional(scalar_of), show=_optional_text(scalar_text)),
    "path-text": _PATH,
    "path-at-key": _PATH,
    "row-path": _PATH,
    "row-path-here": _PATH,
    "row-paths": InputKind(control="lines", read=paths_of_text, show=paths_text),
    "scalar-table": InputKind(control="lines", read=table_of_text, show=table_text),
    "minor-units": InputKind(read=minor_units_of, show=minor_units_text),
}
"""The inputs for the kinds of values that only list commands have."""
