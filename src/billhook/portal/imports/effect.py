"""The effects that the rows of a file can have, and the effect of one row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Effect(StrEnum):
    """The effect of a row."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    REFUSE = "refuse"


WRITTEN: Final = frozenset({Effect.CREATE, Effect.CHANGE})


@dataclass(frozen=True, kw_only=True)
class PlannedRow:
    """The effect of one row, or of the rows of one invoice.

    ``reasons`` explain a refusal, ``changes`` name the differences.
    """

    lines: tuple[int, ...]
    number: str
    effect: Effect
    changes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def line(self) -> int:
        """The first of its lines."""
        return self.lines[0]

    @property
    def about(self) -> str:
        """The facts that a preview shows."""
        return ""
