"""Corrects XML that isn't well-formed in the few ways in which systems often write it."""

from __future__ import annotations

import re
from html.entities import html5
from typing import Final

_FORBIDDEN: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML doesn't have (XML 1.0, 2.2). Some systems copy them from their database."""
_AMPERSAND: Final = re.compile(
    r"&(?:(?:amp|lt|gt|quot|apos);|#(?:(\d{1,7})|x([0-9A-Fa-f]{1,6}));|([A-Za-z][A-Za-z0-9]{1,31};))?"
)
_CDATA: Final = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_MARKUP: Final = frozenset("<>&\"'")


def corrected(text: str) -> str:
    """Return *text* without characters that XML forbids, and with its ampersands escaped.

    Names of HTML, such as ``&nbsp;``, become their characters. No markup is made by it.
    """
    pieces = _CDATA.split(_FORBIDDEN.sub("", text))
    pieces[::2] = [_AMPERSAND.sub(_reference, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _reference(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if decimal or hexadecimal:
        number = int(decimal) if decimal else int(hexadecimal, 16)
        return match[0] if _is_character(number) else ""
    if name:
        characters = html5.get(name, "")
        return characters if characters and not _MARKUP & set(characters) else f"&amp;{name}"
    return match[0] if len(match[0]) > 1 else "&amp;"


def _is_character(number: int) -> bool:
    """Say whether XML has the character (XML 1.0, 2.2)."""
    return (
        number in {0x9, 0xA, 0xD}
        or 0x20 <= number <= 0xD7FF  # noqa: PLR2004 - the ranges of the specification
        or 0xE000 <= number <= 0xFFFD  # noqa: PLR2004
        or 0x10000 <= number <= 0x10FFFF  # noqa: PLR2004
    )
