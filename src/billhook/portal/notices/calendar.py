"""The days on which an invoice is announced, and the time of the daily mail: no rows here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

OVERDUE_CAUGHT_UP: Final = 14
"""Days after the day of an overdue notice on which it is still sent, if that day was missed."""
NEW_FOR: Final = timedelta(days=31)
"""An invoice whose date is older when it arrives isn't announced as new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDates:
    """A range of due dates, both ends included."""

    first: date
    last: date


def due_soon(today: date, *, days_before: int) -> DueDates:
    """Return the due dates that are due soon: those of today and of the next days.

    A day on which nothing ran is made up for until the due date.
    """
    return DueDates(first=today, last=today + timedelta(days=days_before))


def overdue(today: date, *, days_after: int) -> DueDates:
    """Return the due dates that are announced as overdue today, or should have been lately."""
    last = today - timedelta(days=max(1, days_after))
    return DueDates(first=last - timedelta(days=OVERDUE_CAUGHT_UP), last=last)


def last_daily_time(now: datetime, *, hour: int, zone: tzinfo) -> datetime:
    """Return the last time, up to *now*, at which daily mail was due: *hour* o'clock in *zone*.

    An hour that a change of the clock skips is the one after it; one that comes twice is the first.
    """
    local = now.astimezone(zone)
    for days in range(3):
        day = local.date() - timedelta(days=days)
        found = datetime.combine(day, time(hour), tzinfo=zone).astimezone(now.tzinfo)
        if found <= now:
            return found
    raise AssertionError("a day has an hour of that number, or the next")


def zone_of(name: str) -> tzinfo:
    """Return the time zone with that name; UTC if this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
