"""Numbers of invoices and customers, and the traces of spreadsheets that changed them.

Excel keeps 15 digits of a number, and turns 1-2 into a day. A number that it spoiled is refused:
VIEW would ask the source for another document, or for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from billhook.portal.imports.reading.table import Cell, text_of
from billhook.portal.imports.values.dates import MONTH_NAMES

_EXPONENT: Final = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]\d{2,3}", re.IGNORECASE)
_FAILED: Final = re.compile(r"#(?:N/A|NV|N/D|N/B|N/V|\S*[!?])|#{2,}", re.IGNORECASE)
"""The result of a formula that failed, in many languages, and of a column that is too narrow."""
_LONG: Final = re.compile(r"(\d{15})(\d+)")
_DAY_OF_MONTH: Final = re.compile(r"(?:\d{1,2}[. -]+)?([^\W\d_]{3,9})\.?(?:[ -]+\d{2,4})?")
_FULL_DAY: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:19|20)\d{2}|(?:19|20)\d{2}-\d\d-\d\d")
_SURELY_CUT: Final = 3
"""Zeros behind the 15th digit of one number that aren't by chance."""
_LONGEST_PADDED: Final = 12
"""Digits of the numbers that are looked for with zeros in front."""
_AS_TEXT: Final = "Format the column as text in the spreadsheet, and enter the number again."


ZEROS_LOST: Final = (
    "A spreadsheet may have removed the zeros. Format the column as text, and enter the number "
    "again."
)


class IdentifierReader:
    """Reads the identifiers of one column: what its *cells* have in common shows what is odd."""

    def __init__(self, label: str, cells: Iterable[Cell]) -> None:
        self._label = label
        texts = [text_of(cell) for cell in cells if cell != ""]
        long = [found[2] for text in texts if (found := _LONG.fullmatch(text))]
        self._long_are_cut = bool(long) and not any(rest.strip("0") for rest in long)
        self._many_long = len(long) > 1
        self._days_are_odd = any(not _is_day_like(text) for text in texts)

    def read(self, cell: Cell) -> str:
        """Return the identifier as text, or raise ValueError with a sentence."""
        match cell:
            case date():
                raise ValueError(
                    f"The spreadsheet turned the {self._label} into the day {cell}. {_AS_TEXT}"
                )
            case Decimal():
                return self._read_number(cell)
            case _:
                return self._read_text(cell)

    def _read_number(self, number: Decimal) -> str:
        if number != number.to_integral_value():
            raise ValueError(
                f"The spreadsheet has the {self._label} as the number {number:f}, which loses "
                f"zeros at its end. {_AS_TEXT}"
            )
        if abs(number) >= 10**15:
            raise ValueError(self._lost_digits(f"{number:E}"))
        return text_of(number)

    def _read_text(self, text: str) -> str:
        if _EXPONENT.fullmatch(text):
            raise ValueError(self._lost_digits(text))
        if _FAILED.fullmatch(text):
            raise ValueError(f"The formula for the {self._label} failed in the spreadsheet: {text}")
        if self._is_cut(text):
            raise ValueError(self._lost_digits(text))
        if self._days_are_odd and _is_day_like(text):
            raise ValueError(
                f"The spreadsheet seems to have turned the {self._label} into the day {text}, "
                f"unlike the others. {_AS_TEXT}"
            )
        return text

    def _is_cut(self, text: str) -> bool:
        found = _LONG.fullmatch(text)
        if found is None or not self._long_are_cut:
            return False
        return self._many_long or len(found[2]) >= _SURELY_CUT

    def _lost_digits(self, text: str) -> str:
        return (
            f"The spreadsheet shortened the {self._label} to {text}: it keeps only 15 digits of a "
            f"number. {_AS_TEXT}"
        )


def padded_forms(numbers: Iterable[str]) -> dict[str, str]:
    """Return the numbers with zeros in front that a spreadsheet turns into *numbers*, by these."""
    digits = [number for number in numbers if number.isdigit() and not number.startswith("0")]
    return {
        number.zfill(length): number
        for number in digits
        for length in range(len(number) + 1, _LONGEST_PADDED + 1)
    }


def _is_day_like(text: str) -> bool:
    """Return whether *text* looks as Excel shows a day: ``01. Feb``, ``Jan 25``, ``1/2/2025``."""
    if _FULL_DAY.fullmatch(text):
        return True
    found = _DAY_OF_MONTH.fullmatch(text)
    has_number = any(character.isdigit() for character in text)
    return found is not None and has_number and found[1].casefold() in MONTH_NAMES
