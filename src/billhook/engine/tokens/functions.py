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
from functools import lru_cache, partial
from typing import Final

from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.dates import BadPattern, DateFormat, UnreadableDate

MAX_RESULT: Final = 65_536
"""The most characters of a result: as many as a value may have."""
RAW: Final = "raw"
PATH: Final = "path"
NUMBER: Final = "number"


class UnfitForFunction(Exception):
    """A value that a function can't take. *reason* goes on from "The value of {{Name}} "."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInfo:
    """One function, for people: its effect, and the result of an example.

    ``call`` is how it is typed there, if it takes something after a colon.
    """

    name: str
    meaning: str
    example: str
    becomes: str
    call: str = ""

    @property
    def typed(self) -> str:
        """The function as it is typed in the example."""
        return self.call or self.name


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
        name="replace:FROM:TO",
        meaning="The text with TO instead of each FROM. TO may be empty; a colon in FROM or TO is "
        "written \\: and a backslash \\\\. The example is replace:/:-.",
        example="INV/2026/7",
        becomes="INV-2026-7",
        call="replace:/:-",
    ),
    FunctionInfo(
        name="pad:WIDTH",
        meaning="At least WIDTH characters, with zeros before them, or another character: "
        "pad:10:x. A longer text stays as it is. The example is pad:10.",
        example="4711",
        becomes="0000004711",
        call="pad:10",
    ),
    FunctionInfo(
        name="padright:WIDTH",
        meaning="The same with spaces after them, or another character. The example is "
        "padright:8:_.",
        example="4711",
        becomes="4711____",
        call="padright:8:_",
    ),
    FunctionInfo(
        name="date:PATTERN",
        meaning="A date or time written otherwise. PATTERN consists of yyyy, yy, MMMM (March), "
        "MMM (Mar), MM, M, dd, d, DDD (day of the year), EEEE (Tuesday), EEE, HH, H, hh, h, mm, m, "
        "ss, s, SSS, a (AM), XXX (Z or +02:00), XX (Z or +0200), xxx and xx (without Z), other "
        "signs, and texts in single quotes; or it is unix or unixms. @Area/City after it moves a "
        "time into that time zone. The example is date:dd.MM.yyyy HH:mm@Europe/Berlin.",
        example="2026-03-31T22:30:00Z",
        becomes="01.04.2026 00:30",
        call="date:dd.MM.yyyy HH:mm@Europe/Berlin",
    ),
    FunctionInfo(
        name=NUMBER,
        meaning="For a text that must be a bare number in JSON: [{{InvoiceId|number}}] "
        "becomes [48211]. A value that JSON can't write as a number, such as 00123, is refused.",
        example="48211",
        becomes="48211",
    ),
    FunctionInfo(
        name=PATH,
        meaning="For several segments of a URL's path at once: each is encoded, and the slashes "
        "between them stay. Only in a URL's path. A segment can't be empty, . or ..",
        example="2026/03/INV 7.pdf",
        becomes="2026/03/INV%207.pdf",
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


class BadFunction(Exception):
    """A function that doesn't exist, or whose argument can't be read.

    *advice* is a sentence or two, *suggestion* the function that was probably meant, if any.
    """

    def __init__(self, advice: str, suggestion: str | None) -> None:
        super().__init__(advice)
        self.advice = advice
        self.suggestion = suggestion


def find_function(text: str) -> Function | None:
    """Return the function that *text* names, with its argument, or None if there is none.

    ``path`` and ``raw`` change nothing here: the encoder of a URL does.
    """
    try:
        return make_function(text)
    except BadFunction:
        return None


@lru_cache(maxsize=1_000)
def make_function(text: str) -> Function:
    """Return the function that *text* names, with its argument; raise BadFunction."""
    name, colon, argument = text.partition(":")
    if name in _BY_NAME:
        if colon:
            raise BadFunction(f"{name} takes nothing after it.", name)
        return _BY_NAME[name]
    if name not in _MAKERS:
        raise _unknown(name)
    return _MAKERS[name](argument)


def _unknown(name: str) -> BadFunction:
    near = nearest(name, (*_BY_NAME, *_EXAMPLES))
    near = None if near is None else _EXAMPLES.get(near, near)
    if near is None:
        return BadFunction(f"There are {', '.join(function_names())}.", None)
    return BadFunction(f"Did you mean {near}?", near)


def function_names() -> tuple[str, ...]:
    """Return the names as they are typed, each that takes an argument with an example of it."""
    return (*_BY_NAME, *_EXAMPLES.values())


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
    PATH: _raw,
    RAW: _raw,
}

_MOST_PADDING: Final = 200
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ARGUMENT: Final = re.compile(r"(?:[^\\:]|\\.)*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Replace:
    old: str
    new: str

    def __call__(self, text: str) -> str:
        longer = text.count(self.old) * (len(self.new) - len(self.old))
        if len(text) + longer > MAX_RESULT:
            raise UnfitForFunction(f"would become longer than {MAX_RESULT:,} characters.")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class _Pad:
    width: int
    character: str
    is_right: bool

    def __call__(self, text: str) -> str:
        pad = text.ljust if self.is_right else text.rjust
        return pad(self.width, self.character)


@dataclass(frozen=True, slots=True)
class _Date:
    format: DateFormat

    def __call__(self, text: str) -> str:
        try:
            return self.format.write(text)
        except UnreadableDate as unreadable:
            raise UnfitForFunction(unreadable.reason) from None


def _make_replace(argument: str) -> Function:
    old, *more = _arguments(argument) or [""]
    if not old or len(more) != 1:
        advice = (
            "replace takes two texts, each after a colon: the one to replace, and the one instead, "
            f"which may be empty: {_EXAMPLES['replace']}."
        )
        raise BadFunction(advice, _EXAMPLES["replace"])
    return _Replace(old, more[0])


def _make_pad(argument: str, *, name: str) -> Function:
    width, *more = _arguments(argument) or [""]
    character = more[0] if more else " 0"[name == "pad"]
    is_width = width.isascii() and width.isdigit() and 1 <= int(width[:9]) <= _MOST_PADDING
    if not is_width or len(more) > 1 or len(character) != 1:
        advice = (
            f"{name} takes a width from 1 to {_MOST_PADDING}, and perhaps the one character to "
            f"fill up with: {_EXAMPLES[name]}."
        )
        raise BadFunction(advice, _EXAMPLES[name])
    return _Pad(int(width), character, name != "pad")


def _make_date(argument: str) -> Function:
    try:
        return _Date(DateFormat(argument))
    except BadPattern as bad:
        meant = f"date:{bad.meant}" if bad.meant not in {None, argument} else ""
        is_better = meant and find_function(meant) is not None
        raise BadFunction(bad.reason, meant if is_better else _EXAMPLES["date"]) from None


def _arguments(text: str) -> list[str]:
    """Split *text* at its colons; a backslash makes the next character literal."""
    parts, position = [], 0
    while True:
        match = _ARGUMENT.match(text, position)
        end = match.end() if match else position
        parts.append(_ESCAPED.sub(r"\1", text[position:end]))
        if text[end : end + 1] != ":":
            return parts if end == len(text) else []
        position = end + 1


_MAKERS: Final[dict[str, Callable[[str], Function]]] = {
    "replace": _make_replace,
    "pad": partial(_make_pad, name="pad"),
    "padright": partial(_make_pad, name="padright"),
    "date": _make_date,
}
_EXAMPLES: Final = {info.name.partition(":")[0]: info.typed for info in FUNCTIONS if info.call} | {
    "date": "date:yyyy-MM-dd"
}
