"""The closed set of functions that may follow a token's name after a pipe: ``{{Name|odata}}``.

A function turns one text into another before the slot encodes it, so what a function lets
through is still harmless in its slot. ``raw`` alone takes the slot's encoding away; only a
URL's path and query allow it, and the check says that the member takes that risk.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

RAW: Final = "raw"
NUMBER: Final = "number"


class UnfitForFunction(Exception):
    """A value that a function can't take. *reason* goes on from "The value of {{Name}} "."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInfo:
    """One function, for people: its effect, and the result of an example."""

    name: str
    meaning: str
    example: str
    becomes: str


FUNCTIONS: Final = (
    FunctionInfo(
        name="odata",
        meaning="For use between the single quotes of an OData filter: ' becomes ''.",
        example="O'Brien",
        becomes="O''Brien",
    ),
    FunctionInfo(
        name="quote",
        meaning="For use between the single quotes of a query language such as Stripe's or "
        "QuickBooks': a backslash goes before ' and before a backslash.",
        example="O'Brien",
        becomes="O\\'Brien",
    ),
    FunctionInfo(
        name="json",
        meaning="For use between the double quotes of JSON inside something else, such "
        'as a form: a backslash goes before " and before a backslash. In a JSON body it is done '
        "already.",
        example='7" pipe',
        becomes='7\\" pipe',
    ),
    FunctionInfo(
        name="html",
        meaning="For systems that expect the text as it is written in HTML: & becomes &amp;, < and "
        "> become &lt; and &gt;.",
        example="A&B",
        becomes="A&amp;B",
    ),
    FunctionInfo(
        name="base64",
        meaning="Base 64 of the UTF-8 text, with padding (RFC 4648, section 4).",
        example="key:",
        becomes="a2V5Og==",
    ),
    FunctionInfo(
        name="base64url",
        meaning="The same for URLs and without padding (RFC 4648, section 5).",
        example="key?",
        becomes="a2V5Pw",
    ),
    FunctionInfo(name="upper", meaning="Capital letters.", example="inv-7", becomes="INV-7"),
    FunctionInfo(name="lower", meaning="Small letters.", example="INV-7", becomes="inv-7"),
    FunctionInfo(
        name="date:FORMAT",
        meaning="A date written otherwise. FORMAT consists of yyyy, yy, MM, M, dd, d and the "
        "characters - . / and space; {{InvoiceDate|date:dd.MM.yyyy}}.",
        example="2026-03-31",
        becomes="31.03.2026",
    ),
    FunctionInfo(
        name=NUMBER,
        meaning="For a text that must be a bare number in JSON: [{{InvoiceId|number}}] "
        "becomes [48211]. A value that JSON can't write as a number, such as 00123, is refused.",
        example="48211",
        becomes="48211",
    ),
    FunctionInfo(
        name=RAW,
        meaning="The text as it is, without the encoding of its place. Only in a URL's path and "
        "query, and at your own risk: the value may then add segments and parameters.",
        example="2026/INV-7.pdf",
        becomes="2026/INV-7.pdf",
    ),
)

Function = Callable[[str], str]

_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?")


def find_function(name: str) -> Function | None:
    """Return the function called *name*, an identity for ``raw``, or None if there is none."""
    if name.startswith("date:"):
        return _date_function(name.removeprefix("date:"))
    return _BY_NAME.get(name)


def function_names() -> tuple[str, ...]:
    """Return the names as they are typed, ``date:`` with one format as an example."""
    return (*_BY_NAME, "date:yyyy-MM-dd")


def _odata(text: str) -> str:
    """OData 4.01, ABNF rule ``SQUOTE-in-string``."""
    return text.replace("'", "''")


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _json(text: str) -> str:
    """Escape as RFC 8259, section 7, requires between the quotes of a string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _html(text: str) -> str:
    return html.escape(text, quote=False)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _number(text: str) -> str:
    """RFC 8259, section 6; but an exponent is rather a part of some number of an invoice."""
    if not _JSON_NUMBER.fullmatch(text):
        raise UnfitForFunction("is not a number as JSON writes it, such as 48211 or -12.50.")
    return text


def _raw(text: str) -> str:
    return text


_BY_NAME: Final[dict[str, Function]] = {
    "odata": _odata,
    "quote": _quote,
    "json": _json,
    "html": _html,
    "base64": _base64,
    "base64url": _base64url,
    "upper": str.upper,
    "lower": str.lower,
    NUMBER: _number,
    RAW: _raw,
}

_FORMAT: Final = re.compile(r"(?:yyyy|yy|MM|M|dd|d|[-./ ])+")
_FIELD: Final = re.compile(r"yyyy|yy|MM|M|dd|d")
_FIELDS: Final[dict[str, Callable[[date], str]]] = {
    "yyyy": lambda day: f"{day.year:04}",
    "yy": lambda day: f"{day.year % 100:02}",
    "MM": lambda day: f"{day.month:02}",
    "M": lambda day: str(day.month),
    "dd": lambda day: f"{day.day:02}",
    "d": lambda day: str(day.day),
}


def _date_function(pattern: str) -> Function | None:
    if not _FORMAT.fullmatch(pattern):
        return None

    def write(text: str) -> str:
        day = _read_date(text)
        return _FIELD.sub(lambda field: _FIELDS[field.group()](day), pattern)

    return write


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise UnfitForFunction("is not a date such as 2026-03-31.") from None
