"""Amounts of money: read as decimals, never rounded, with the digits of their currency."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

_ZERO: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR: Final = "CLF UYW"
_DIGITS: Final = {
    code: digits
    for codes, digits in ((_ZERO, 0), (_THREE, 3), (_FOUR, 4))
    for code in codes.split()
}
"""The currencies whose minor unit isn't a hundredth (ISO 4217)."""
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_PLAIN: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})", re.ASCII)
MOST_DIGITS: Final = 20
_SPACES: Final = " \u00a0\u202f\u2009"
MinorDigits = bool | int | dict[str, int]


class UnreadableAmount(Exception):
    """A value that isn't an amount. *reason* continues "The value "."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def digits_of(currency: str) -> int:
    """Return the number of digits after the decimal sign of *currency*."""
    return _DIGITS.get(currency, 2)


def read_currency(text: str) -> str:
    """Return the currency that *text* is, in capital letters; or nothing if it is none."""
    code = text.strip().upper()
    return code if _CURRENCY.fullmatch(code) else ""


def read_amount(value: Any, *, decimal: str = "", group: str = "") -> Decimal:
    """Return *value*, a number or a text with the separators given; raise UnreadableAmount."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise UnreadableAmount("isn't an amount.")
    if isinstance(value, int):
        return _bounded(Decimal(value))
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or exponent > 0:
            raise UnreadableAmount("is written with an exponent, which isn't read as an amount.")
        return _bounded(value)
    return _bounded(_read_text(value, decimal or ".", group))


def _read_text(value: str, decimal: str, group: str) -> Decimal:
    text = value.strip()
    if group in _SPACES and group:
        for space in _SPACES:
            text = text.replace(space, "")
    elif group:
        text = text.replace(group, "")
    if decimal != ".":
        if "." in text:
            raise UnreadableAmount("has a point, which the map doesn't name as a separator.")
        text = text.replace(decimal, ".", 1)
    if not _PLAIN.fullmatch(text):
        raise UnreadableAmount("isn't an amount with the separators that the map names.")
    return Decimal(text)


def _bounded(amount: Decimal) -> Decimal:
    if amount.adjusted() >= MOST_DIGITS or len(amount.as_tuple().digits) > MOST_DIGITS + 8:
        raise UnreadableAmount("has too many digits.")
    return amount


def from_minor_units(amount: Decimal, units: MinorDigits | None, currency: str) -> Decimal:
    """Return *amount*, which is in minor units if *units* says so, in whole units."""
    if units is None or units is False:
        return amount
    digits = digits_of(currency)
    if isinstance(units, dict):
        digits = units.get(currency, digits)
    elif units is not True:
        digits = units
    return amount.scaleb(-digits)


def with_digits_of(amount: Decimal, currency: str) -> tuple[Decimal, bool]:
    """Return *amount* with the digits of *currency*, and whether it fits; else as it is."""
    digits = digits_of(currency)
    fitting = amount.quantize(Decimal(1).scaleb(-digits))
    return (fitting, True) if fitting == amount else (amount, False)
