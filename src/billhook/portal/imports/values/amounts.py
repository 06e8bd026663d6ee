"""Amounts as programs and people of many countries write them, with or without a currency.

A text that can mean two amounts is refused rather than guessed: a wrong amount is worse than one
more question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from billhook.portal.fields.currencies import CURRENCIES, decimals_of
from billhook.portal.imports.reading.table import Cell

_OTHER: Final = {".": ",", ",": "."}
_MAX_AMOUNT: Final = Decimal("999999999999.999")
_DASHES: Final = str.maketrans(dict.fromkeys("−–—‒", "-"))
_SPACES: Final = re.compile(r"[\s'’`´]")
_SIGNS: Final = {
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
    "C$": "CAD",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "R$": "BRL",
    "MX$": "MXN",
    "$": "USD CAD AUD NZD SGD HKD MXN ARS CLP COP TWD BBD BSD JMD TTD XCD",
    "¥": "JPY CNY",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₪": "ILS",
    "₴": "UAH",
    "₺": "TRY",
    "₫": "VND",
    "฿": "THB",
    "₱": "PHP",
    "₦": "NGN",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "lei": "RON",
    "лв": "BGN",
    "kr.": "SEK NOK DKK ISK",
    "kr": "SEK NOK DKK ISK",
    "Fr.": "CHF",
    "SFr.": "CHF",
    "SFr": "CHF",
    "Euro": "EUR",
    "Rs.": "INR PKR LKR",
    "Rs": "INR PKR LKR",
    "R": "ZAR",
}
_CURRENCIES: Final = {
    **{sign.casefold(): frozenset(codes.split()) for sign, codes in _SIGNS.items()},
    **{code.casefold(): frozenset({code}) for code in CURRENCIES},
}
_ANY_SIGN: Final = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
_LEADING: Final = re.compile(rf"([-+(]*)\s*({_ANY_SIGN})(?![^\W\d_])\s*", re.IGNORECASE)
_TRAILING: Final = re.compile(rf"(?<![^\W\d_])\s*({_ANY_SIGN})\s*([-)]*)$", re.IGNORECASE)
_LONGEST: Final = 100
"""Characters of a cell that may be an amount."""
_GROUP: Final = 3
_GROUPED: Final = re.compile(r"[1-9][0-9]{0,2}")
"""The digits before the first group of thousands."""
_NO_CURRENCY: Final = re.compile(r"[-+0-9.,()\s'’]*")
_NO_CENTS: Final = re.compile(r"(?P<sign>[.,])-{1,2}$")
"""``50,-`` and ``50.--`` are whole amounts."""
_WITH_SIGN: Final = re.compile(r"([-+]?)([0-9.,]+)(-?)")
_AMOUNTS: Final = {
    sign: re.compile(
        rf"(?:[0-9]+|[0-9]{{1,3}}(?:{other}[0-9]{{3}})+|[0-9]{{1,2}}(?:{other}[0-9]{{2}})+"
        rf"{other}[0-9]{{3}})?(?:{re.escape(sign)}[0-9]+)?"
    )
    for sign, other in ((".", ","), (",", "[.]"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountText:
    """An amount as it is written, without what surrounds it, and the currencies it may be in."""

    digits: str
    is_negative: bool
    currencies: frozenset[str] | None = None
    """None if no currency is written with the amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAmount:
    """An amount, and the currencies that its sign or code allows; None if there is none."""

    value: Decimal
    currencies: frozenset[str] | None = None


def decimal_sign(cells: Iterable[Cell]) -> str | None:
    """Return the decimal separator that the amounts of a file prove, or None if none does.

    One amount such as ``12,50`` or ``1.240,00`` proves the comma for all. ``1,240`` proves nothing.
    """
    texts = (_split(cell) for cell in set(cells) if isinstance(cell, str) and cell)
    proofs = {sign for text in texts if text and (sign := _proof(text.digits))}
    return proofs.pop() if len(proofs) == 1 else None


def is_ambiguous(cell: Cell) -> bool:
    """Return whether *cell* alone can be read as two amounts."""
    text = _split(cell) if isinstance(cell, str) else None
    return bool(text and set(text.digits) & set(_OTHER) and _proof(text.digits) is None)


def read_amount(cell: Cell, sign: str | None, *, currency: str = "") -> ReadAmount:
    """Return the amount, or raise ValueError with a sentence.

    *sign* is the file's decimal separator, as :func:`decimal_sign` found it or a person chose it;
    *currency* is the row's, as far as it is known.
    """
    if isinstance(cell, Decimal):
        return ReadAmount(value=_in_range(cell, str(cell)))
    text = None if isinstance(cell, date) else _split(cell)
    if text is None:
        raise ValueError(f"{cell} isn't an amount. Write it as 1240.00.")
    proof = _proof(text.digits)
    sign = proof or sign or _sign_without_proof(text.digits, currency)
    if sign is None:
        raise ValueError(f"{cell} can be read in two ways. Write amounts as 1240.00.")
    if not _AMOUNTS[sign].fullmatch(text.digits):
        raise ValueError(f"{cell} isn't an amount. Write it as 1240.00.")
    value = Decimal(text.digits.replace(_OTHER[sign], "").replace(sign, "."))
    value = _in_range(-value if text.is_negative else value, str(cell))
    return ReadAmount(value=value, currencies=text.currencies)


def _sign_without_proof(digits: str, currency: str) -> str | None:
    """Return the separator where it makes no difference, or where the currency settles it."""
    used = set(digits) & set(_OTHER)
    if not used:
        return "."
    return _OTHER[used.pop()] if currency and not decimals_of(currency) else None


def _split(cell: str) -> AmountText | None:
    """Return the digits and separators of an amount, or None if it is something else."""
    if len(cell) > _LONGEST:
        return None
    text, currencies = _without_currency(cell.translate(_DASHES).strip())
    bare = _NO_CENTS.sub(r"\g<sign>00", _SPACES.sub("", text))
    in_brackets = bare.startswith("(") and bare.endswith(")")
    found = _WITH_SIGN.fullmatch(bare[1:-1] if in_brackets else bare)
    if found is None or not any(character.isdigit() for character in found[2]):
        return None
    minus = [in_brackets, found[1] == "-", found[3] == "-"]
    if sum(minus) > 1 or (found[1] == "+" and any(minus)):
        return None
    return AmountText(digits=found[2], is_negative=any(minus), currencies=currencies)


def _without_currency(text: str) -> tuple[str, frozenset[str] | None]:
    if _NO_CURRENCY.fullmatch(text):
        return text, None
    found: list[frozenset[str]] = []
    if leading := _LEADING.match(text):
        found.append(_CURRENCIES[leading[2].casefold()])
        text = leading[1] + text[leading.end() :]
    if trailing := _TRAILING.search(text):
        found.append(_CURRENCIES[trailing[1].casefold()])
        text = text[: trailing.start()] + trailing[2]
    return text, frozenset.intersection(*found) if found else None


def _proof(digits: str) -> str | None:
    """Return the decimal separator that one amount proves, or None."""
    signs = [character for character in digits if character in _OTHER]
    if not signs:
        return None
    if set(signs) == set(_OTHER):  # both appear: the last one is the decimal separator
        return signs[-1]
    if len(signs) > 1:  # one that appears twice separates thousands
        return _OTHER[signs[0]]
    whole, _, behind = digits.partition(signs[0])
    # Thousands come in groups of three, and never begin with a zero.
    is_group = _GROUPED.fullmatch(whole) and len(behind) == _GROUP
    return None if is_group else signs[0]


def _in_range(value: Decimal, text: str) -> Decimal:
    if abs(value) > _MAX_AMOUNT:
        raise ValueError(f"{text} is larger than Billhook can store.")
    return value
