"""Text in the PDFs that the portal makes: the fonts, the characters that they have, and lines."""

from __future__ import annotations

import unicodedata
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import reportlab
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR: Final = "Vera"
BOLD: Final = "VeraBd"
UNKNOWN: Final = "?"
"""The sign in place of a character that the fonts don't have."""


def long_day(day: date) -> str:
    """Return *day* as a letter has it: ``3 May 2024``."""
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """Return *day* as a table has it: ``3 May 2024``, with three letters of each month."""
    return f"{day.day} {day:%b %Y}"


def has_all_of(text: str) -> bool:
    """Return whether nothing of *text* is lost when it is drawn."""
    return drawable(text).count(UNKNOWN) == text.count(UNKNOWN)


def lines_of(text: str, font: str, size: float, width: float) -> list[str]:
    """Break *text* into lines; words that are too long for one are broken, too."""
    pieces: list[str] = []
    for line in simpleSplit(drawable(text), font, size, width):
        while pdfmetrics.stringWidth(line, font, size) > width:
            fits = next(
                n
                for n in range(len(line), 0, -1)
                if n == 1 or pdfmetrics.stringWidth(line[:n], font, size) <= width
            )
            pieces.append(line[:fits])
            line = line[fits:]  # noqa: PLW2901 - what is left of it
        pieces.append(line)
    return pieces


def drawable(text: str) -> str:
    """Return *text* in characters that the font has: without marks, or as a question mark."""
    return "".join(_nearest(character) for character in text)


def _nearest(character: str) -> str:
    if ord(character) in _characters():
        return character
    bare = unicodedata.normalize("NFKD", character)
    return "".join(each for each in bare if ord(each) in _characters()) or UNKNOWN


@cache
def _characters() -> frozenset[int]:
    return frozenset(pdfmetrics.getFont(REGULAR).face.charToGlyph)


@cache
def register_fonts() -> None:
    """Use the fonts that come with reportlab: embedded, they look the same everywhere."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, folder / f"{name}.ttf"))
