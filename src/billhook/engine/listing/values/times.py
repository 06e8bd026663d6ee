"""Dates and times of a source, read and written in its format and zone.

A time without a zone is never taken for UTC silently. Where clocks go back, a time that exists
twice is the earlier of the two, so that more is asked for rather than less.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.dates import BadPattern, DateFormat

ISO: Final = "iso"
ISO_SECONDS: Final = "iso-seconds"
UNIX: Final = "unix"
UNIX_MS: Final = "unix-ms"
DOTNET: Final = "dotnet"
NAMED: Final = (ISO, ISO_SECONDS, UNIX, UNIX_MS, DOTNET)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"-?[0-9]{1,17}(?:\.[0-9]*)?", re.ASCII)
_DOTNET: Final = re.compile(r"/Date\((-?[0-9]{1,17})(?:[+-][0-9]{4})?\)/", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})", re.ASCII)
_NO_DATES: Final = ("0000-00-00", "0001-01-01T00:00:00", "0001-01-01 00:00:00", "00/00/0000")
"""Texts with which systems say that there is no date."""
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_PIECE: Final = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", re.DOTALL)
_CENTURY: Final = 2000
_NOON: Final = 12


class UnreadableTime(Exception):
    """A value that isn't a date or time in the format. *reason* continues "The value "."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoZone(UnreadableTime):
    """A time without a zone, and the file names none: the file is at fault, not the row."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a pattern: the digits or letters that it takes, and where they go."""

    pattern: str
    name: str = ""


_FIELDS: Final = {
    "yyyy": _Field(r"[0-9]{4}", "year"),
    "yy": _Field(r"[0-9]{2}", "short_year"),
    "MMMM": _Field(r"[A-Za-z]{3,9}", "month_name"),
    "MMM": _Field(r"[A-Za-z]{3}\.?", "month_name"),
    "MM": _Field(r"[0-9]{2}", "month"),
    "M": _Field(r"[0-9]{1,2}", "month"),
    "dd": _Field(r"[0-9]{2}", "day"),
    "d": _Field(r"[0-9]{1,2}", "day"),
    "EEEE": _Field(r"[A-Za-z]{3,9}"),
    "EEE": _Field(r"[A-Za-z]{3}"),
    "HH": _Field(r"[0-9]{2}", "hour"),
    "H": _Field(r"[0-9]{1,2}", "hour"),
    "hh": _Field(r"[0-9]{2}", "half_hour"),
    "h": _Field(r"[0-9]{1,2}", "half_hour"),
    "mm": _Field(r"[0-9]{2}", "minute"),
    "m": _Field(r"[0-9]{1,2}", "minute"),
    "ss": _Field(r"[0-9]{2}", "second"),
    "s": _Field(r"[0-9]{1,2}", "second"),
    "SSS": _Field(r"[0-9]{3}", "millisecond"),
    "a": _Field(r"[AaPp]\.?[Mm]\.?", "half"),
    "XXX": _Field(r"[Zz]|[+-][0-9]{2}:?[0-9]{2}", "offset"),
    "XX": _Field(r"[Zz]|[+-][0-9]{2}:?[0-9]{2}", "offset"),
    "xxx": _Field(r"[+-][0-9]{2}:?[0-9]{2}", "offset"),
    "xx": _Field(r"[+-][0-9]{2}:?[0-9]{2}", "offset"),
}
"""The fields of a pattern as Unicode's LDML names them, as far as they can be read."""


class TimeFormat:
    """A format with its zone, which is None where the file names none.

    Raises BadPattern for a pattern that can't be read or has no year, month and day.
    """

    def __init__(self, text: str, zone: tzinfo | None = None) -> None:
        self.text = text
        self.zone = zone
        self._pattern = _Pattern(text) if text not in NAMED else None

    @property
    def has_hours(self) -> bool:
        """Whether it has the time of day."""
        return self._pattern is None or self._pattern.has_hours

    @property
    def needs_zone(self) -> bool:
        """Whether it says no zone itself, so that reading a time needs one."""
        return self._pattern is not None and not self._pattern.has_offset

    def read_time(self, value: Any) -> datetime | None:
        """Return the time that *value* is, in UTC, without rounding up; None if there is none."""
        found = self._read(value)
        if found is None:
            return None
        if not isinstance(found, datetime):
            found = datetime(found.year, found.month, found.day)  # noqa: DTZ001 - the zone follows
        if found.tzinfo is None:
            if self.zone is None:
                raise NoZone("is a time without a zone, and the map names none. Add zone.")
            found = found.replace(tzinfo=self.zone, fold=0)
        try:
            return found.astimezone(UTC)
        except OverflowError:
            raise UnreadableTime("is too far from today.") from None

    def read_day(self, value: Any) -> date | None:
        """Return the day that *value* is, in the zone; None if there is none."""
        found = self._read(value)
        if not isinstance(found, datetime):
            return found
        if found.tzinfo is None:
            return found.date()
        if self.zone is None:
            raise NoZone(
                "is a time, and the day depends on the zone. Add zone, such as Europe/Berlin."
            )
        try:
            return found.astimezone(self.zone).date()
        except OverflowError:
            raise UnreadableTime("is too far from today.") from None

    def write(self, moment: datetime) -> str:
        """Return *moment* in the format and zone, truncated.

        A local time that exists twice is left for one before it, whatever the source takes it for.
        """
        if self.text in {UNIX, UNIX_MS}:
            unit = timedelta(seconds=1) if self.text == UNIX else timedelta(milliseconds=1)
            return str((moment - _EPOCH) // unit)
        local = _unambiguous(moment.astimezone(self.zone or UTC), keeps_offset=not self.needs_zone)
        if self._pattern is not None:
            return self._pattern.write(local)
        digits = "seconds" if self.text == ISO_SECONDS else "milliseconds"
        return local.isoformat(timespec=digits).replace("+00:00", "Z")

    def _read(self, value: Any) -> datetime | date | None:
        if value is None or value is False or value == "":
            return None
        text = value.strip() if isinstance(value, str) else value
        if isinstance(text, str) and (not text or text.startswith(_NO_DATES)):
            return None
        if self._pattern is not None:
            return self._pattern.read(str(text))
        return _READERS[self.text](text)


def _unambiguous(local: datetime, *, keeps_offset: bool) -> datetime:
    if keeps_offset:
        return local
    later = local.replace(fold=1).utcoffset() or timedelta()
    sooner = local.replace(fold=0).utcoffset() or timedelta()
    if later >= sooner or local.fold:
        return local
    return (local.astimezone(UTC) - (sooner - later)).astimezone(local.tzinfo)


def _read_iso(value: Any) -> datetime | date:
    text = str(value)
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableTime("isn't a date or time in ISO 8601, such as 2026-03-31.") from None


def _read_unix(value: Any) -> datetime:
    return _since_epoch(value, timedelta(seconds=1))


def _read_unix_ms(value: Any) -> datetime:
    return _since_epoch(value, timedelta(milliseconds=1))


def _since_epoch(value: Any, unit: timedelta) -> datetime:
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        raise UnreadableTime("isn't a number of seconds or milliseconds since 1970.")
    whole = int(text.partition(".")[0])
    try:
        return _EPOCH + whole * unit
    except OverflowError:
        raise UnreadableTime("is too far from today. Is it in milliseconds?") from None


def _read_dotnet(value: Any) -> datetime:
    match = _DOTNET.fullmatch(str(value))
    if match is None:
        raise UnreadableTime("isn't a time such as /Date(1774915200000)/.")
    return _since_epoch(match[1], timedelta(milliseconds=1))


_READERS: Final[dict[str, Callable[[Any], datetime | date]]] = {
    ISO: _read_iso,
    ISO_SECONDS: _read_iso,
    UNIX: _read_unix,
    UNIX_MS: _read_unix_ms,
    DOTNET: _read_dotnet,
}


class _Pattern:
    """A pattern such as ``dd.MM.yyyy HH:mm``, for reading and writing. ``T`` needs no quotes."""

    def __init__(self, text: str) -> None:
        self._text = text
        quoted = _quoted(text)
        DateFormat(quoted)  # raises BadPattern
        self._written = quoted
        pieces = [match[0] for match in _PIECE.finditer(quoted)]
        self._names = [_FIELDS[piece].name for piece in pieces if piece in _FIELDS]
        days = {"day", "month", "year"}
        known = {name.removeprefix("short_").removesuffix("_name") for name in self._names}
        if not days <= known:
            raise BadPattern("A date needs a day, a month and a year, such as dd.MM.yyyy.")
        self.has_hours = bool({"hour", "half_hour"} & set(self._names))
        self.has_offset = "offset" in self._names
        self._pieces = pieces

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        written = ""
        for index, piece in enumerate(self._pieces):
            if piece in _FIELDS:
                after = self._pieces[index + 1 : index + 2]
                written += (
                    f"({_tolerant(piece, is_last_digit=not after or after[0] not in _FIELDS)})"
                )
            else:
                literal = piece.strip("'").replace("''", "'") if piece[0] == "'" else piece
                written += re.escape(literal)
        return re.compile(written, re.ASCII)

    def read(self, text: str) -> datetime | date:
        """Return what the beginning of *text* says; whatever follows is ignored."""
        match = self._regex.match(text)
        if match is None:
            raise UnreadableTime(f"isn't a date in the format {self._text}.")
        fields = [piece for piece in self._pieces if piece in _FIELDS]
        found = {
            _FIELDS[piece].name: part for piece, part in zip(fields, match.groups(), strict=True)
        }
        try:
            day = date(_year(found), _month(found), int(found["day"]))
            if not self.has_hours:
                return day
            return datetime(
                day.year,
                day.month,
                day.day,
                _hour(found),
                int(found.get("minute", 0)),
                int(found.get("second", 0)),
                1000 * int(found.get("millisecond", 0)),
                tzinfo=_offset(found["offset"]) if self.has_offset else None,
            )
        except (ValueError, LookupError):
            raise UnreadableTime(f"isn't a date in the format {self._text}.") from None

    def write(self, local: datetime) -> str:
        """Return *local* in the pattern."""
        return DateFormat(self._written).write(local.isoformat())


def _quoted(text: str) -> str:
    """Return the pattern *text* with quotes around a ``T``, which is no field."""
    outside, inside = re.split(r"('(?:[^']|'')*')", text), ""
    for index, part in enumerate(outside):
        inside += part if index % 2 else re.sub(r"T", "'T'", part)
    return inside


def _tolerant(piece: str, *, is_last_digit: bool) -> str:
    """Return the expression of a field; one digit is enough where no other digit follows."""
    pattern = _FIELDS[piece].pattern
    is_short = piece in {"MM", "dd", "HH", "hh", "mm", "ss"} and is_last_digit
    return r"[0-9]{1,2}" if is_short else pattern


def _year(found: dict[str, str]) -> int:
    return int(found["year"]) if "year" in found else _CENTURY + int(found["short_year"])


def _month(found: dict[str, str]) -> int:
    if "month" in found:
        return int(found["month"])
    return _MONTHS.index(found["month_name"][:3].lower()) + 1


def _hour(found: dict[str, str]) -> int:
    if "hour" in found:
        return int(found["hour"])
    hour = int(found["half_hour"]) % _NOON
    return hour + _NOON if found.get("half", "").lower().startswith("p") else hour


def _offset(text: str) -> tzinfo:
    zone = read_offset(text)
    if zone is None:
        raise ValueError(text)
    return zone


def read_offset(text: str) -> tzinfo | None:
    """Return the zone that an offset such as ``+02:00`` or ``Z`` is; None if it is none."""
    if text.upper() in {"Z", "UTC"}:
        return UTC
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:  # noqa: PLR2004 - of a clock
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def read_zone(text: str) -> tzinfo:
    """Return the zone *text*: an IANA name or an offset; raise BadPattern if it is neither."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    offset = read_offset(text)
    if offset is not None:
        return offset
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(text, available_timezones()) or "Europe/Berlin"
        raise BadPattern(
            f'There is no time zone "{text}". Write one such as {near}, or an offset such as '
            "+02:00.",
            near,
        ) from None
