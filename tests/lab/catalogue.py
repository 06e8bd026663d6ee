"""All stand-ins, found in their folder: a new file there is a new row of every test."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lab.standin import StandIn

_FOLDER: Final = Path(__file__).parent / "systems"


def load_stand_ins() -> tuple[type[StandIn], ...]:
    """Return the stand-ins in the order of their presets' names."""
    modules = [
        importlib.import_module(f"lab.systems.{path.stem}") for path in sorted(_FOLDER.glob("*.py"))
    ]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, StandIn) and "preset" in vars(value)
    }
    return tuple(sorted(found, key=lambda kind: kind.preset))


def facts_of(kind: type[StandIn]) -> tuple[tuple[str, Callable[..., Any]], ...]:
    """Return what else is shown of a preset: sentences with the checks behind them."""
    checks = [getattr(kind, name) for name in dir(kind)]
    return tuple((check.fact, check) for check in checks if hasattr(check, "fact"))
