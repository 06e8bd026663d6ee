"""Values as the texts of a form's inputs, and back, without loss.

An input can't hold every character: browsers drop or replace control characters. So each of them
is shown as its picture (``␍`` is a carriage return), and is read back from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

ON: Final = "on"
"""The text that a ticked box posts; one without a tick posts nothing."""
YES: Final = "yes"
NO: Final = "no"
Scalar = str | int | float | bool
_SEPARATORS: Final = re.compile(r"[\s,;]+")
_LISTED: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]+)\s*(?:,|$)')
_NUMBER: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,400})?")
_NOT_WHOLE: Final = -1
_SPACE: Final = " \t\r\n"
"""Characters that are easily typed or pasted around a name or an address, and never meant."""
_PICTURES: Final = 0x2400
"""The first of the pictures of control characters in Unicode, in the order of the characters."""
_LITERAL: Final = "␦"
"""Marks that the picture after it is meant literally."""
_UNSHOWABLE: Final = re.compile("[\x00-\x08\x0a-\x1f\u2400-\u241f␦]")
_SHOWN: Final = re.compile("␦([\u2400-\u241f␦])|([\u2400-\u241f])")


def visible(text: str, *, in_lines: bool = False) -> str:
    """Return *text* with a picture for each control character that an input can't hold."""

    def shown(match: re.Match[str]) -> str:
        character = match[0]
        if ord(character) >= _PICTURES:
            return _LITERAL + character
        return character if in_lines and character == "\n" else chr(_PICTURES + ord(character))

    return _UNSHOWABLE.sub(shown, text)


def meant(text: str) -> str:
    """Return the text that :func:`visible` shows as *text*."""
    return _SHOWN.sub(lambda match: match[1] or chr(ord(match[2]) - _PICTURES), text)


def number_of(text: str) -> float:
    """Return the number in *text*, or one that the engine refuses."""
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    return float(plain) if _NUMBER.fullmatch(plain) else float("nan")


def whole_number_of(text: str) -> int:
    """Return the whole number in *text*, or one that the engine refuses."""
    number = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    is_whole = _NUMBER.fullmatch(number) and "." not in number
    return int(number) if is_whole else _NOT_WHOLE


def number_text(number: float) -> str:
    """Return *number* as people write it: ``30`` and not ``30.0``, without an exponent."""
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text with commas or spaces between them."""
    return tuple(word for word in _SEPARATORS.split(text) if word)


def scalar_of(text: str) -> Scalar:
    """Return a value to compare with: a boolean or number unless in quotes, else the text."""
    try:
        value = json.loads(text, parse_constant=str)  # NaN and Infinity aren't JSON
        str(value).encode()  # half of a character can't be stored
    except (ValueError, RecursionError):
        return meant(text)
    return value if isinstance(value, str | int | float) else meant(text)


def scalars_of(text: str) -> tuple[Scalar, ...]:
    """Return the values in a list with commas between them."""
    return tuple(scalar_of(match[1].strip()) for match in _LISTED.finditer(text))


def scalar_text(value: Scalar, *, listed: bool = False) -> str:
    """Return *value* as text, in quotes if it would be read as something else without them."""
    if not isinstance(value, str):
        return json.dumps(value).replace("Infinity", "1e999")
    is_plain = scalar_of(value) == value and not value.startswith('"') and value.isprintable()
    fits_list = value and value == value.strip() and "," not in value
    return value if is_plain and (fits_list or not listed) else json.dumps(value)


def scalars_text(values: Iterable[Scalar]) -> str:
    """Return *values* as a list with commas between them."""
    return ", ".join(scalar_text(each, listed=True) for each in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputKind:
    """One kind of field as an input: ``control`` is what a template draws."""

    control: str = "line"
    read: Callable[[str], Any] = meant
    show: Callable[[Any], str] = visible


def stripped(text: str) -> str:
    """Return what is meant by *text*, without space around it."""
    return meant(text.strip(_SPACE))


def lines_text(text: str) -> str:
    """Return *text* of several lines as it is shown."""
    return visible(text, in_lines=True)


def optional_boolean_text(value: bool | None) -> str:  # noqa: FBT001 - it is the value
    """Return the text of a choice between yes, no and the default."""
    return "" if value is None else YES if value else NO
