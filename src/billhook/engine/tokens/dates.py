"""Writes a date or a time by a pattern such as ``dd.MM.yyyy HH:mm``, in any time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from billhook.engine.tokens.catalogue import nearest

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

UNIX: Final = "unix"
UNIX_MILLISECONDS: Final = "unixms"
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NOON: Final = 12
_SHORT: Final = 3
_FIELDS: Final[dict[str, Callable[[datetime], str]]] = {
    "yyyy": lambda at: f"{at.year:04}",
    "yy": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: _MONTHS[at.month - 1],
    "MMM": lambda at: _MONTHS[at.month - 1][:_SHORT],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "DDD": lambda at: f"{at.timetuple().tm_yday:03}",
    "dd": lambda at: f"{at.day:02}",
    "d": lambda at: str(at.day),
    "EEEE": lambda at: _DAYS[at.weekday()],
    "EEE": lambda at: _DAYS[at.weekday()][:_SHORT],
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{at.hour % _NOON or _NOON:02}",
    "h": lambda at: str(at.hour % _NOON or _NOON),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "a": lambda at: "AM" if at.hour < _NOON else "PM",
    "XXX": lambda at: _offset(at, ":") if at.utcoffset() else "Z",
    "XX": lambda at: _offset(at, "") if at.utcoffset() else "Z",
    "xxx": lambda at: _offset(at, ":"),
    "xx": lambda at: _offset(at, ""),
}
"""The fields of a pattern as Unicode's LDML names them, with English names."""
_OFFSETS: Final = frozenset({"XXX", "XX", "xxx", "xx"})
_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'|([^A-Za-z'{}@]+)|(([A-Za-z])\4*)|.", re.DOTALL)


class BadPattern(Exception):
    """A pattern that can't be read, for a *reason*; *meant* is the pattern probably meant."""

    def __init__(self, reason: str, meant: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.meant = meant


class UnreadableDate(Exception):
    """A text that isn't a date, or one that the pattern can't write, for a *reason*."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DateFormat:
    """A pattern, perhaps with ``@Area/City`` after it: the zone in which the time is written."""

    __slots__ = ("_needs_zone", "_parts", "_unix", "_zone")

    def __init__(self, text: str) -> None:
        pattern, mark, zone = text.partition("@")
        self._unix = {UNIX: 1, UNIX_MILLISECONDS: 1000}.get(pattern)
        self._parts = () if self._unix else tuple(_parts_of(pattern))
        self._zone = _zone_called(zone, pattern) if mark else None
        names = {part for part, is_field in self._parts if is_field}
        self._needs_zone = bool(self._unix or names & _OFFSETS)

    def write(self, text: str) -> str:
        """Return the date or time *text*, as ISO 8601 writes it, by the pattern.

        A time is moved into the zone. A date has none to move: it is the same day everywhere.
        """
        moment = self._moved(_read(text))
        if self._unix:
            seconds = (moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)) - _offset_of(moment)
            return str(seconds // timedelta(milliseconds=1000 // self._unix))
        return "".join(
            _FIELDS[part](moment) if is_field else part for part, is_field in self._parts
        )

    def _moved(self, read: datetime | date) -> datetime:
        if not isinstance(read, datetime):
            read = datetime.combine(read, time(), tzinfo=None)
        if self._zone is not None:
            try:
                read = (
                    read.astimezone(self._zone) if read.tzinfo else read.replace(tzinfo=self._zone)
                )
            except OverflowError:
                raise UnreadableDate("is too far from today for another time zone.") from None
        if self._needs_zone and read.utcoffset() is None:
            raise UnreadableDate("has no time zone. Name one after the pattern: @UTC.")
        return read


def _parts_of(pattern: str) -> list[tuple[str, bool]]:
    """Cut *pattern* into literal texts and fields; the second says that it is a field."""
    parts: list[tuple[str, bool]] = []
    for match in _LITERAL.finditer(pattern):
        if match[1] is not None:
            parts.append((match[1].replace("''", "'") or "'", False))
        elif match[2] is not None:
            parts.append((match[2], False))
        elif match[3] in _FIELDS:
            parts.append((match[3], True))
        else:
            raise BadPattern(
                f'"{match[0]}" is nothing that a date\'s pattern can hold. '
                f"It consists of {', '.join(_FIELDS)}, other signs, and texts in single quotes.",
                pattern.replace("Y", "y").replace("DD", "dd"),
            )
    fields = {part for part, is_field in parts if is_field}
    if not fields:
        raise BadPattern("A date needs a pattern, such as dd.MM.yyyy or yyyy-MM-dd'T'HH:mm:ssXXX.")
    if fields & {"mm", "m"} and not fields & {"HH", "H", "hh", "h", "ss", "s"}:
        raise BadPattern("mm are minutes. Months are MM.", pattern.replace("m", "M"))
    return parts


@lru_cache(maxsize=64)
def _zone_called(name: str, pattern: str) -> ZoneInfo:
    # Imported here because most commands write no time
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, available_timezones()) or "Europe/Berlin"
        reason = f'There is no time zone "{name}". Write one such as @{near} or @UTC.'
        raise BadPattern(reason, f"{pattern}@{near}") from None


def _read(text: str) -> datetime | date:
    """Read ISO 8601; of what follows a date and is no time, nothing."""
    text = text.strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise UnreadableDate("is not a date such as 2026-03-31.") from None


def _offset_of(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


def _offset(moment: datetime, separator: str) -> str:
    offset = _offset_of(moment)
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{'-' if offset < timedelta() else '+'}{hours:02}{separator}{minutes:02}"
