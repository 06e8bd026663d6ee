"""Currencies: the decimals that each has (ISO 4217), and amounts written with them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CURRENCY_PATTERN: Final = "^[A-Za-z]{3}$"
CURRENCY_SENTENCE: Final = "A currency has three letters, such as EUR."
MAX_DECIMALS: Final = 3
"""Decimals that are stored. Only units of account (CLF, UYW) have more in ISO 4217."""
_USUAL: Final = 2
_EXCEPTIONS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    MAX_DECIMALS: "BHD CLF IQD JOD KWD LYD OMR TND UYW",
}
_DECIMALS: Final = {
    currency: decimals
    for decimals, currencies in _EXCEPTIONS.items()
    for currency in currencies.split()
}

_CODES: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD "
    "FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY "
    "KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW UZS VES VND VUV WST XAF XCD XCG XOF XPF "
    "YER ZAR ZMW ZWG"
    " ANG BEF CUC DEM ESP FRF HRK ITL NLG SLL ZWL"  # no longer in use, but in old invoices
)
CURRENCIES: Final = frozenset(_CODES.split())
"""The codes of ISO 4217."""


def decimals_of(currency: str) -> int:
    """Return the number of decimals in amounts of *currency*: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DECIMALS.get(currency, _USUAL)


def fits_currency(amount: Decimal, currency: str) -> bool:
    """Return whether *amount* needs no more decimals than *currency* has."""
    return amount == round(amount, decimals_of(currency.upper()))


def in_decimals(amount: Decimal, currency: str) -> Decimal:
    """Return *amount* with the decimals of *currency*, or with more if it needs them."""
    needed = -int(amount.normalize().as_tuple().exponent)
    decimals = max(decimals_of(currency), min(needed, MAX_DECIMALS))
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def plain_amount(amount: Decimal, currency: str) -> str:
    """Return *amount* as programs read it: ``1240.00``."""
    return f"{in_decimals(amount, currency):f}"


def shown_amount(amount: Decimal, currency: str) -> str:
    """Return *amount* and its currency as people read them: ``1,240.00 EUR``."""
    return f"{grouped_amount(amount, currency)} {currency}".rstrip()


def grouped_amount(amount: Decimal, currency: str) -> str:
    """Return *amount* as people read it where its currency is clear: ``1,240.00``."""
    return f"{in_decimals(amount, currency):,f}"
