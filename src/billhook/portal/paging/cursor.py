"""The place in a list that an address names: after a row, before a row, or the last page."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Field, Model
from django.utils import timezone

from billhook.portal.paging.order import Order, Stretch, field_at, stretches_of, value_at

LAST: Final = "last"
_MOST_LETTERS: Final = 2_000
_AFTER, _BEFORE = "after", "before"


class UnusableCursor(ValueError):
    """An address that names no place in this list: it is old, cut off, or made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place between two rows of a list: next to the row with *values*, in one stretch of it."""

    is_before: bool
    stretch: int
    values: tuple[Any, ...]


def cursor_at(row: Model, order: Order, *, is_before: bool) -> str:
    """Return the text for an address that names the place before or after *row*."""
    stretches = stretches_of(type(row), order)
    lacks_first = len(stretches) > 1 and value_at(row, order.fields[0]) is None
    fields = stretches[lacks_first].fields
    values = [_as_text(value_at(row, path)) for path in fields]
    content = json.dumps([str(order), int(lacks_first), *values], ensure_ascii=False)
    packed = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    return f"{_BEFORE if is_before else _AFTER}-{packed}"


def read_cursor(text: str, model: type[Model], order: Order) -> Cursor:
    """Return the place that *text* names in a list of *model* in *order*.

    Raises:
        UnusableCursor: if it names none. Nothing in it is trusted: each value must be one that
            its field can hold.
    """
    side, _, packed = text.partition("-")
    if side not in {_AFTER, _BEFORE} or len(text) > _MOST_LETTERS:
        raise UnusableCursor
    name, at, *values = _unpacked(packed)
    stretches = stretches_of(model, order)
    if name != str(order) or type(at) is not int or at not in range(len(stretches)):
        raise UnusableCursor
    return Cursor(
        is_before=side == _BEFORE, stretch=at, values=_checked(model, stretches[at], values)
    )


def _unpacked(packed: str) -> list[Any]:
    try:
        content = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (ValueError, RecursionError):
        raise UnusableCursor from None
    if not isinstance(content, list) or len(content) < 2:  # noqa: PLR2004 - an order and a stretch
        raise UnusableCursor
    return content


def _checked(model: type[Model], stretch: Stretch, values: Sequence[Any]) -> tuple[Any, ...]:
    if len(values) != len(stretch.fields):
        raise UnusableCursor
    fields = (field_at(model, path) for path in stretch.fields)
    return tuple(_value(field, text) for field, text in zip(fields, values, strict=True))


def _value(field: Field[Any, Any], text: Any) -> Any:
    if not isinstance(text, str) or "\0" in text:
        raise UnusableCursor
    try:
        text.encode()  # half of a character, which JSON can write, is in no row
        value = field.to_python(text)
        field.run_validators(value)
    except (ValidationError, ValueError, ArithmeticError):
        raise UnusableCursor from None
    if value is None or (isinstance(value, datetime) and timezone.is_naive(value)):
        raise UnusableCursor
    return value


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
