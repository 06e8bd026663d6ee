"""The effort of reading a response: small and linear work is done at once, all other apart.

A path has a *weight*: the microseconds, at most, that following it takes for each mark of the
response. A mark is a character that begins a value: ``{``, ``[``, ``,``, ``<`` or ``=``. The
weight is 0 where only status and headers are looked at, and unbounded where nothing bounds it by
the marks: a regular expression, a function in a filter, an XPath of any but the plainest kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Protocol

import re2

UNBOUNDED: Final = math.inf
QUICK_BYTES: Final = 256 * 1024
"""Larger responses are read apart, whatever they look like."""
QUICK_MICROSECONDS: Final = 5_000.0
"""Longer work isn't done while other runs wait."""
TEXT: Final = 0.01
"""The weight of looking at the body as text."""

_JSON: Final = 1.0
_JSON_NODE: Final = 3.0
_XML: Final = 0.5
_XML_SEARCH: Final = 5.0
"""So few elements that it doesn't matter if all are found, one inside the other."""
_MARKS: Final = "{[,<="


def _compile(pattern: str) -> Any:
    """Compile with RE2: members type the paths, and its time is linear."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 32 << 20
    return re2.compile(pattern, options)


_NAME: Final = r"[A-Za-z_\x{80}-\x{10FFFF}][\w\x{80}-\x{10FFFF}]*"
_LITERAL: Final = r"""(?:'[^'\\]*'|"[^"\\]*"|-?[0-9.]+|true|false|null)"""
_KEY: Final = rf"""(?:\.{_NAME}|\['[^'\\]*'\]|\["[^"\\]*"\]|\[-?[0-9]+\])"""
_TESTED: Final = rf"@{_KEY}*(?:\s*(?:==|!=|<=|>=|<|>)\s*{_LITERAL})?"
_FILTER: Final = rf"\[\?\s*\(?\s*{_TESTED}(?:\s*(?:&&|\|\|)\s*{_TESTED})*\s*\)?\s*\]"
_MANY: Final = r"\.\*|\[\*\]|\[-?[0-9]*:-?[0-9]*(?::-?[0-9]*)?\]"
_ONE_VALUE: Final = _compile(rf"\$({_KEY})*")
_PLAIN_JSON: Final = _compile(
    rf"\$(?:{_KEY}|{_MANY}|{_FILTER})*(?:\.\.{_NAME}(?:{_KEY}|{_MANY}|{_FILTER})*)?"
)
_XML_NAME: Final = r"[A-Za-z_\x{80}-\x{10FFFF}][\w.\x{80}-\x{10FFFF}-]*"
_QNAME: Final = rf"(?:{_XML_NAME}:)?(?:{_XML_NAME}|\*)"
_QUOTED: Final = r"""(?:'[^']*'|"[^"]*")"""
_OF_THE_ELEMENT: Final = rf"\[(?:[0-9]+|local-name\(\)\s*=\s*{_QUOTED}|@{_QNAME}\s*=\s*{_QUOTED})\]"
_OF_A_CHILD: Final = rf"\[{_QNAME}\s*=\s*{_QUOTED}\]"
_END: Final = rf"(?:/@{_QNAME}|/text\(\))?"
_STEP: Final = rf"{_QNAME}(?:{_OF_THE_ELEMENT})*"
_PLAIN_XPATH: Final = (
    _compile(rf"//?{_STEP}(?:/{_STEP})*{_END}"),
    # compared with the text of a child, which is each character once as there is no //
    _compile(rf"/{_QNAME}(?:{_OF_THE_ELEMENT}|{_OF_A_CHILD})*"
                rf"(?:/{_QNAME}(?:{_OF_THE_ELEMENT}|{_OF_A_CHILD})*)*{_END}"),
)  # fmt: skip


class Weighed(Protocol):
    """A part of a plan for reading a response: a path, a condition, and so on."""

    @property
    def weight(self) -> float:
        """The microseconds for each mark of the response."""
        ...

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that it uses."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPlan:
    """A part of known weight."""

    weight: float
    tokens: tuple[str, ...] = ()


def joined(*parts: Weighed) -> ReadingPlan:
    """Return the plan of work that has all these *parts*."""
    tokens = dict.fromkeys(name for part in parts for name in part.tokens)
    return ReadingPlan(weight=sum(part.weight for part in parts), tokens=tuple(tokens))


AS_TEXT: Final = ReadingPlan(weight=TEXT)
"""The plan of one look at the body as text."""
EVERYTHING: Final = ReadingPlan(weight=UNBOUNDED)
"""The plan of work that may look at every byte."""


class Sized(Protocol):
    """The parts of a response that bound the effort of reading it."""

    @property
    def size(self) -> int:
        """The number of bytes of the body."""
        ...

    def text(self) -> str:
        """Return the body as text."""
        ...


def weight_of(part: Weighed | None) -> float:
    """Return the weight of *part*; 0 where there is none."""
    return 0.0 if part is None else part.weight


def is_quick(weight: float, response: Sized) -> bool:
    """Say whether work of *weight* on *response* is proven to be short."""
    if weight == 0:
        return True
    if weight == UNBOUNDED or response.size > QUICK_BYTES:
        return False
    return not _has_more_marks(response.text(), QUICK_MICROSECONDS / weight)


def _has_more_marks(text: str, most: float) -> bool:
    """Say whether *text* has more than so many marks; a long text with few is soon searched."""
    for mark in _MARKS:
        at = text.find(mark)
        while at >= 0:
            most -= 1
            if most < 0:
                return True
            at = text.find(mark, at + 1)
    return False


def json_weight(shape: str) -> float:
    """Return the weight of the JSONPath *shape*, in which tokens are replaced."""
    if _ONE_VALUE.fullmatch(shape):
        return _JSON
    if not _PLAIN_JSON.fullmatch(shape):
        return UNBOUNDED
    return _JSON + _JSON_NODE * sum(map(shape.count, (".", "[", "@")))


def xpath_weight(shape: str) -> float:
    """Return the weight of the XPath *shape*, in which tokens are replaced."""
    if not any(each.fullmatch(shape) for each in _PLAIN_XPATH):
        return UNBOUNDED
    weight = _XML * (1 + shape.count("/") + shape.count("["))
    return weight + (_XML_SEARCH if "//" in shape else 0.0)
