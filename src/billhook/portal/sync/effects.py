"""Effects of rows: what a sync does with each, counted for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class SyncEffect(StrEnum):
    """The effect of one row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    OLDER = "older"
    HIDDEN = "hidden"
    NOT_SHOWN = "not shown"
    UNASSIGNED = "unassigned"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field of a row that changes, as people read it."""

    field: str
    before: str
    after: str


@dataclass(slots=True)
class Tally:
    """The effects of some rows: how many, which fields changed, and the reasons of the refused.

    ``reasons`` has for each code the number of rows and one sentence.
    """

    effects: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)

    def count(self, effect: SyncEffect, changes: tuple[FieldChange, ...] = ()) -> None:
        """Count one row."""
        self.effects[effect.value] += 1
        self.fields.update(change.field for change in changes)

    def note(self, code: str, sentence: str, number: int = 1) -> None:
        """Count a reason or a remark; its first sentence is kept."""
        known, first = self.reasons.get(code, (0, sentence))
        self.reasons[code] = (known + number, first)

    def refuse(self, code: str, sentence: str) -> None:
        """Count a row that can't be used."""
        self.count(SyncEffect.REFUSED)
        self.note(code, sentence)

    def add(self, other: Tally, *, within: str = "") -> None:
        """Add the effects of other rows; *within* is their name, if they are within other rows."""
        prefix = f"{within} " if within else ""
        self.effects.update({f"{prefix}{name}": n for name, n in other.effects.items()})
        self.fields.update(other.fields)
        for code, (number, sentence) in other.reasons.items():
            self.note(code, sentence, number)

    def to_json(self) -> dict[str, Any]:
        """Return the effects as plain values."""
        return {"effects": dict(self.effects), "fields": dict(self.fields)}
