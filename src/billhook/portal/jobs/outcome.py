"""The outcomes of a turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAgain:
    """Another turn follows, at once or after some time."""

    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished:
    """The job has done its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailed:
    """The job can't do its work, for a reason that is a sentence for people."""

    reason: str


TurnOutcome = TurnAgain | TurnFinished | TurnFailed
