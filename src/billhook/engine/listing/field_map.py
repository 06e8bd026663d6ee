"""The compiled source of one field of a row: which values, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from billhook.engine.answer.rows.row_path import Taken
from billhook.engine.config import Scalar
from billhook.engine.listing.values.money import MinorDigits, UnreadableAmount, read_amount
from billhook.engine.listing.values.times import NoZone, TimeFormat, UnreadableTime
from billhook.engine.tokens.template import Template

TEXT: Final = "text"
AMOUNT: Final = "amount"
DAY: Final = "day"
TIME: Final = "time"
STATUS: Final = "status"
TYPE: Final = "type"
CURRENCY: Final = "currency"
BOOLEAN: Final = "boolean"
EMAIL: Final = "email"
LINK: Final = "link"
KINDS: Final = {
    "amount": AMOUNT,
    "open_amount": AMOUNT,
    "currency": CURRENCY,
    "date": DAY,
    "due_date": DAY,
    "status": STATUS,
    "type": TYPE,
    "link": LINK,
    "changed": TIME,
    "contact_email": EMAIL,
    "email": EMAIL,
    "active": BOOLEAN,
}
"""The kind of each field; those that aren't here are texts."""
LONGEST_TEXT: Final = 500
LONGEST_ID: Final = 200
LONGEST_LINK: Final = 2_000
MOST_EMAILS: Final = 50
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EMAIL: Final = re.compile(r"[^\s@<>,;\"()]{1,64}@[^\s@<>,;\"()]{1,253}")
_BETWEEN_EMAILS: Final = re.compile(r"[,;\s]+")


class RowLeftOut(Exception):
    """A row that can't be used. With *stops*, the whole run can't go on."""

    def __init__(self, code: str, message: str, field_name: str, *, stops: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field_name = field_name
        self.stops = stops


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """One field, compiled. ``sources`` are numbers of the values taken out of a row.

    ``cases`` are statuses, each with the number of the case whose conditions must hold.
    """

    name: str
    sources: tuple[int, ...] = ()
    minus: tuple[int, ...] = ()
    fixed: Scalar | None = None
    template: Template | None = None
    time: TimeFormat | None = None
    minor_units: MinorDigits | None = None
    decimal: str = ""
    group: str = ""
    zero_is_empty: bool = False
    negative_is_credit: bool = False
    values: Mapping[str, Scalar] | None = None
    cases: tuple[tuple[str, int], ...] = ()
    from_amounts: bool = False
    unknown: str = "stop"
    none: str = "empty"
    kind: str = field(default=TEXT)

    def raw(self, taken: Sequence[Taken]) -> Any:
        """Return the first value that isn't empty, or None."""
        if self.fixed is not None:
            return self.fixed
        for source in self.sources:
            for value in taken[source]:
                if not self._is_empty(value):
                    return value
        return None

    def all_raw(self, taken: Sequence[Taken]) -> list[Any]:
        """Return all values of the first source that has one that isn't empty."""
        if self.fixed is not None:
            return [self.fixed]
        for source in self.sources:
            values = [value for value in taken[source] if not self._is_empty(value)]
            if values:
                return values
        return []

    def _is_empty(self, value: Any) -> bool:
        if value is None or value == "" or (isinstance(value, str) and not value.strip()):
            return True
        if value is False and self.kind not in {BOOLEAN, STATUS, TYPE} and self.values is None:
            return True  # as Odoo writes it
        return self.zero_is_empty and _is_zero(value)

    def text(self, taken: Sequence[Taken], *, longest: int = LONGEST_TEXT) -> str:
        """Return the value as text in one line; a text that is too long leaves the row out."""
        text = text_of(self.raw(taken), self.name)
        if self.values is not None and text in self.values:
            text = str(self.values[text])
        if len(text) > longest:
            message = f"The {self.name} has {len(text):,} characters, and {longest} are allowed."
            raise RowLeftOut(f"long-{_dashed(self.name)}", message, self.name)
        return text

    def amount(self, taken: Sequence[Taken]) -> Decimal | None:
        """Return the amount less what is subtracted, before minor units; None if there is none.

        Of a path that finds several, it is the sum.
        """
        values = self.all_raw(taken)
        if not values:
            return None
        amount = sum((self._read_amount(each) for each in values), Decimal(0))
        for number in self.minus:
            for each in taken[number]:
                if not self._is_empty(each):
                    amount -= self._read_amount(each)
        return amount

    def _read_amount(self, value: Any) -> Decimal:
        try:
            return read_amount(value, decimal=self.decimal, group=self.group)
        except UnreadableAmount as error:
            raise self._unreadable(error.reason) from None

    def day(self, taken: Sequence[Taken]) -> date | None:
        """Return the day, in the zone of the map."""
        assert self.time is not None  # noqa: S101 - every date has a format; for mypy
        try:
            return self.time.read_day(self._single(taken))
        except UnreadableTime as error:
            raise self._unreadable(error.reason, stops=isinstance(error, NoZone)) from None

    def moment(self, taken: Sequence[Taken]) -> datetime | None:
        """Return the time, in UTC."""
        assert self.time is not None  # noqa: S101 - every time has a format; for mypy
        try:
            return self.time.read_time(self._single(taken))
        except UnreadableTime as error:
            raise self._unreadable(error.reason, stops=isinstance(error, NoZone)) from None

    def _single(self, taken: Sequence[Taken]) -> Any:
        value = self.raw(taken)
        if isinstance(value, dict):
            raise self._unreadable("is an object, not a single value.")
        return value

    def emails(self, taken: Sequence[Taken]) -> tuple[str, ...]:
        """Return the addresses, in small letters; what isn't an address is left out."""
        found: dict[str, None] = {}
        for value in self.all_raw(taken):
            for part in _BETWEEN_EMAILS.split(text_of(value, self.name)):
                address = part.strip("<>\"'").lower()
                if _EMAIL.fullmatch(address):
                    found[address] = None
        return tuple(found)[:MOST_EMAILS]

    def _unreadable(self, reason: str, *, stops: bool = False) -> RowLeftOut:
        code = "no-zone" if stops else f"unreadable-{_dashed(self.name)}"
        return RowLeftOut(code, f"The {self.name} {reason}", self.name, stops=stops)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _is_zero(value: Any) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"[+-]?0+(?:[.,]0*)?", value.strip()))
    return not isinstance(value, bool) and isinstance(value, int | Decimal) and value == 0


def text_of(value: Any, name: str) -> str:
    """Return *value* as text in one line, as a person writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return format(value.quantize(Decimal(1)) if whole else value, "f")
    if isinstance(value, dict):
        message = f"The {name} is an object or a list, not a single value. Name more of its path."
        raise RowLeftOut("not-a-value", message, name)
    return " ".join(_CONTROL.sub(" ", str(value)).split())
