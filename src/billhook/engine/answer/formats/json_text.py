"""Reads JSON as systems write it: with marks around it, line breaks in texts, and numbers exact."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

_AROUND: Final = " \t\r\n\f\0\ufeff"
_GUARD: Final = re.compile(r"\)\]\}'[^\n{\[]{0,20}\n|(?:for ?\(;;\)|while ?\((?:1|true)\));")
"""The line that some servers write before JSON, so that no other page can run it as a script."""
_SCRIPT: Final = re.compile(r"(?:/\*\*/)?\s*[\w$.]{1,100}\((.*)\)\s*;?", re.DOTALL | re.ASCII)
"""A call with the JSON in it (JSONP)."""
_PHP: Final = r"(?:Warning|Notice|Deprecated|Strict Standards)"
_REMARK: Final = (
    rf"(?:(?:<br />\s*+)?<b>{_PHP}</b>:[^\n]*+|(?:PHP )?{_PHP}: [^\n]*+|"
    r"<!--(?:(?!-->).)*+-->|/\*(?:(?!\*/).)*+\*/)\s*+"
)
_BEFORE: Final = re.compile(rf"(?:{_REMARK})++(?=[{{\[])", re.DOTALL)
_AFTER: Final = re.compile(rf"\s*+(?:{_REMARK})++", re.DOTALL)
"""The messages of PHP, and comments, that a page may have before or after its JSON."""
_MAX_DIGITS: Final = 4_300
"""Python reads no longer whole number, since that takes quadratic time."""


class ExactNumber(float):
    """A number with a fraction or an exponent: it compares as a float, and keeps its digits.

    The numbers in a JSONPath are floats, so 1.1 there is 1.1 in a response, which no decimal is.
    """

    __slots__ = ("exact",)

    exact: Decimal

    def __new__(cls, text: str) -> Self:
        """Read *text*, a number as JSON writes it."""
        number = super().__new__(cls, text)
        try:
            number.exact = Decimal(text)
        except InvalidOperation:  # an exponent of more digits than a decimal has
            number.exact = Decimal(number)
        return number


def exact(value: Any) -> Any:
    """Return the exact decimal of a number that has one, and any other *value* as it is."""
    return value.exact if isinstance(value, ExactNumber) else value


def read_json(text: str) -> Any:
    """Return the value of *text*; raise ValueError or RecursionError where it isn't JSON.

    Around it may be what servers write there, such as the messages of PHP.
    """
    text = text.strip(_AROUND)
    if guard := _GUARD.match(text):
        text = text[guard.end() :].strip(_AROUND)
    try:
        return _DECODER.decode(text)
    except ValueError:
        return _read_among_remarks(text)


def _read_among_remarks(text: str) -> Any:
    if before := _BEFORE.match(text):
        text = text[before.end() :]
    elif script := _SCRIPT.fullmatch(text):
        text = script[1].strip(_AROUND)
    value, end = _DECODER.raw_decode(text)
    if end < len(text) and not _AFTER.fullmatch(text, end):
        raise ValueError("more than JSON")
    return value


def _whole(digits: str) -> int | ExactNumber:
    return int(digits) if len(digits) <= _MAX_DIGITS else ExactNumber(digits)


def _nothing(constant: str) -> None:
    """NaN and Infinity are no JSON (RFC 8259, section 6), but must not hide the rest of it."""


_DECODER: Final = json.JSONDecoder(
    parse_float=ExactNumber, parse_int=_whole, parse_constant=_nothing, strict=False
)
"""Not strict: a text may hold the line breaks of base 64 as they are, as some programs write it."""
