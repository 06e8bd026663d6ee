"""The bounds of an integration: how long its texts and its lists may be.

The work of compiling one is in proportion to them, so nothing beyond them is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import Problem

MAX_TEXT: Final = 100_000
"""The most characters of one text, such as a body."""
MAX_WHOLE: Final = 1_000_000
"""The most characters of all texts together."""
MAX_ROWS: Final = 100
"""The most entries of one list, such as headers or values extracted."""
MAX_PROBLEMS: Final = 100
"""The most problems that are reported at once."""


def find_excess(config: IntegrationConfig) -> Iterator[Problem]:
    """Yield a problem for each text and list of *config* that is too long."""
    whole = 0
    for where, value in _walk(config, ""):
        if isinstance(value, str):
            whole += len(value)
            if len(value) > MAX_TEXT:
                yield _too_long(where, len(value))
        elif len(value) > MAX_ROWS:
            message = f"There are {len(value):,} entries here, and {MAX_ROWS} are allowed."
            yield Problem(code="too-many", message=message, where=where)
    if whole > MAX_WHOLE:
        message = f"The integration has more than {MAX_WHOLE:,} characters. Shorten its texts."
        yield Problem(code="too-long", message=message, where="integration.name")


def _too_long(where: str, length: int) -> Problem:
    message = f"This text has {length:,} characters, and {MAX_TEXT:,} are allowed. Shorten it."
    return Problem(code="too-long", message=message, where=where)


def _walk(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield every text and list in *value* with its path; of a long list, only the list itself."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, tuple | Mapping):
        yield where, value
        if len(value) <= MAX_ROWS:
            for key, each in _entries(value):
                yield from _walk(each, f"{where}{key}")
    elif hasattr(type(value), "__dataclass_fields__"):
        for field in fields(value):
            inner = _HEADS.get(field.name, field.name) if not where else field.name
            yield from _walk(getattr(value, field.name), f"{where}.{inner}" if where else inner)


_HEADS: Final = {
    "name": "integration.name",
    "variables": "integration.variables",
    "secrets": "integration.secrets",
}


def _entries(value: tuple[Any, ...] | Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield f".{key[:MAX_ROWS]}", each
        return
    for number, each in enumerate(value):
        name = getattr(each, "steps", None) is not None and each.name
        yield f".{name[:MAX_ROWS]}" if name else f"[{number}]", each


def at_most(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return *problems*, or the first of them and how many more there are."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    more = len(problems) - MAX_PROBLEMS
    message = f"There are {more:,} more problems. Fix these first."
    return (*problems[:MAX_PROBLEMS], Problem(code="too-many", message=message))
