"""A finding of the doctor: what was checked, how it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity of a finding. Only ``broken`` makes the exit status differ from 0."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. ``code`` is stable; ``message`` is a whole text that says what to do."""

    check: str
    level: Level
    code: str
    message: str


Check = Callable[[], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Makes the findings of one check."""

    check: str

    def ok(self, message: str) -> Finding:
        """Return the finding that all is well."""
        return Finding(check=self.check, level=Level.OK, code="ok", message=message)

    def warning(self, code: str, message: str) -> Finding:
        """Return a finding that should be looked at."""
        return Finding(check=self.check, level=Level.WARNING, code=code, message=message)

    def broken(self, code: str, message: str) -> Finding:
        """Return a finding that keeps something from working."""
        return Finding(check=self.check, level=Level.BROKEN, code=code, message=message)
