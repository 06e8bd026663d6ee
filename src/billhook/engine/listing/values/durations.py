"""Durations, rates and percentages as people type them: ``15 minutes``, ``60/minute``, ``20%``."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

_UNITS: Final = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_DURATION: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([a-z]+)", re.ASCII)
_RATE: Final = re.compile(r"([0-9]{1,7}) ?/ ?(?:([0-9]{1,4}) )?([a-z]+)", re.ASCII)
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%", re.ASCII)
_HUNDRED: Final = 100


def read_duration(text: str) -> timedelta | None:
    """Return the duration that *text* is, such as ``10 minutes``; None if it is none."""
    match = _DURATION.fullmatch(text.strip())
    unit = _unit(match[2]) if match else None
    return None if match is None or unit is None else float(match[1]) * unit


def read_rate(text: str) -> tuple[int, timedelta] | None:
    """Return the count and the time of ``60/minute`` or ``6000/5 minutes``; None if it is none."""
    match = _RATE.fullmatch(text.strip())
    unit = _unit(match[3]) if match else None
    if match is None or unit is None:
        return None
    count, period = int(match[1]), int(match[2] or 1) * unit
    return (count, period) if count and period else None


def read_percent(text: str) -> Decimal | None:
    """Return the part that ``20%`` is, 0.2; None if it is none."""
    match = _PERCENT.fullmatch(text.strip())
    part = Decimal(match[1]) / _HUNDRED if match else None
    return part if part is not None and part <= 1 else None


def _unit(word: str) -> timedelta | None:
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))
