"""The period of a statement: one with a name, or from one day until another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

_MONTHS_OF_QUARTER: Final = 3


class NamedPeriod(StrEnum):
    """The word in the URL of each period with a name."""

    THIS_MONTH = "this-month"
    LAST_MONTH = "last-month"
    THIS_QUARTER = "this-quarter"
    LAST_QUARTER = "last-quarter"
    THIS_YEAR = "this-year"
    LAST_YEAR = "last-year"

    @property
    def label(self) -> str:
        """The name as people read it: ``Last month``."""
        return self.value.replace("-", " ").capitalize()


USUAL: Final = NamedPeriod.LAST_MONTH
"""The newest period that is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPeriod:
    """The days from *start* until *end*, both included."""

    start: date
    end: date


def named_period(name: NamedPeriod, *, today: date) -> StatementPeriod:
    """Return the period *name*, whole: this month ends with its last day, not with *today*."""
    months = _length(name)
    first = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    if name in {NamedPeriod.LAST_MONTH, NamedPeriod.LAST_QUARTER, NamedPeriod.LAST_YEAR}:
        first = _months_later(first, -months)
    return StatementPeriod(start=first, end=_months_later(first, months) - timedelta(days=1))


def _length(name: NamedPeriod) -> int:
    """Return the number of months."""
    if name in {NamedPeriod.THIS_MONTH, NamedPeriod.LAST_MONTH}:
        return 1
    return _MONTHS_OF_QUARTER if "quarter" in name else 12


def _months_later(first: date, months: int) -> date:
    """Return the first of the month so many *months* after that of *first*."""
    month = first.year * 12 + first.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)
