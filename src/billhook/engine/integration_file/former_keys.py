"""Keys that had another name in an earlier release: they stay readable, and are written no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FORMER_KEYS: Final = {"sign_in": "authentication"}
"""The present name of each former key of a file, a step and an answer."""
_LISTS_OF_STEPS: Final = ("steps", "on_not_found")


def rename_in_file(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of an integration file with the present names of their keys."""
    table = _rename(data)
    if "authentication" in table:
        table["authentication"] = rename_in_authentication(table["authentication"])
    if isinstance(table.get("commands"), Mapping):
        table["commands"] = {
            name: rename_in_step(command) for name, command in table["commands"].items()
        }
    return table


def rename_in_authentication(data: Any) -> Any:
    """Return the table ``[authentication]`` with the present names of its requests' keys."""
    if not isinstance(data, Mapping):
        return data
    table = dict(data)
    if "request" in table:
        table["request"] = rename_in_step(table["request"])
    if isinstance(table.get("requests"), list):
        table["requests"] = [rename_in_step(each) for each in table["requests"]]
    return table


def rename_in_step(data: Any) -> Any:
    """Return the table of a command or step with the present names of its keys."""
    if not isinstance(data, Mapping):
        return data
    table = _rename(data)
    if isinstance(table.get("answer"), Mapping):
        table["answer"] = _rename(table["answer"])
    for key in _LISTS_OF_STEPS:
        if isinstance(table.get(key), list):
            table[key] = [rename_in_step(step) for step in table[key]]
    return table


def _rename(table: Mapping[str, Any]) -> dict[str, Any]:
    """Rename each former key, unless its present name is there as well: that is an error."""
    return {_present_name(key, table): value for key, value in table.items()}


def _present_name(key: str, table: Mapping[str, Any]) -> str:
    present = FORMER_KEYS.get(key, key)
    return key if present in table else present


def rename_in_path(path: str) -> str:
    """Return the dotted *path* of a key with the present names of all its parts."""
    return ".".join(FORMER_KEYS.get(part, part) for part in path.split("."))
