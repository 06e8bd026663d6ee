"""Dates, amounts, currencies and statuses in CSV files of many systems and countries.

A text that can mean two things is refused rather than guessed: a wrong amount is worse than one
more question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from billhook.portal.invoices.models import Status

_SPACES: Final = re.compile(r"[\s\u00a0\u202f'’]")
_AMOUNTS: Final = {
    ".": re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]{1,2})?"),
    ",": re.compile(r"[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+)(,[0-9]{1,2})?"),
}
_ONE_SIGN: Final = re.compile(r"[+-]?[0-9]+([.,])([0-9]+)")
_OTHER: Final = {".": ",", ",": "."}
_MIDNIGHT: Final = re.compile(r"[T ]00:00(:00)?(\.0+)?Z?$")
_MAX_AMOUNT: Final = Decimal("999999999999.99")
_DAY_FORMATS: Final = ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%Y%m%d", "%Y/%m/%d")
_STATUSES: Final = {
    **{str(status.value).replace("_", " "): status for status in Status},
    **{str(status.label).lower(): status for status in Status},
    "overdue": Status.OPEN,
    "due soon": Status.OPEN,
    "unpaid": Status.OPEN,
    "sent": Status.OPEN,
    "partially paid": Status.PART_PAID,
}


def read_day(text: str) -> date:
    """Return the day, or raise ValueError with a sentence."""
    bare = _MIDNIGHT.sub("", text)
    for form in _DAY_FORMATS:
        try:
            return datetime.strptime(bare, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    if re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", text):
        raise ValueError(f"{text} can be read in two ways. Write dates as 2024-05-31.")
    raise ValueError(f"{text} isn't a date. Write it as 2024-05-31.")


def decimal_sign(texts: Iterable[str]) -> str | None:
    """Return the decimal separator that the amounts of a file prove, or None if none does.

    One amount such as ``12,50`` or ``1.240,00`` proves the comma for all. ``1,240`` proves nothing.
    """
    proofs = {sign for text in texts if (sign := _proof(_SPACES.sub("", text)))}
    return proofs.pop() if len(proofs) == 1 else None


def _proof(text: str) -> str | None:
    signs = [character for character in text if character in _OTHER]
    if set(signs) == set(_OTHER):  # both appear: the last one is the decimal separator
        return signs[-1]
    if len(signs) > 1:  # one that appears twice separates thousands
        return _OTHER[signs[0]]
    one = _ONE_SIGN.fullmatch(text)
    return one[1] if one and len(one[2]) in {1, 2} else None


def read_amount(text: str, sign: str | None) -> Decimal:
    """Return the amount, or raise ValueError with a sentence.

    *sign* is the file's decimal separator, as :func:`decimal_sign` found it.
    """
    bare = _SPACES.sub("", text).replace("−", "-")
    needs_none = not set(bare) & set(_OTHER)
    sign = _proof(bare) or sign or ("." if needs_none else None)
    if sign is None:
        raise ValueError(f"{text} can be read in two ways. Write amounts as 1240.00.")
    if not _AMOUNTS[sign].fullmatch(bare):
        raise ValueError(f"{text} isn't an amount. Write it as 1240.00.")
    amount = Decimal(bare.replace(_OTHER[sign], "").replace(sign, "."))
    if abs(amount) > _MAX_AMOUNT:
        raise ValueError(f"{text} is larger than Billhook can store.")
    return amount.quantize(Decimal("0.01"))


def read_currency(text: str) -> str:
    """Return the currency in capitals, or raise ValueError with a sentence."""
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise ValueError(f"{text} isn't a currency. Write three letters, such as EUR.")
    return text.upper()


def read_status(text: str) -> Status:
    """Return the status, or raise ValueError with a sentence."""
    status = _STATUSES.get(text.lower().replace("_", " "))
    if status is None:
        known = ", ".join(str(one.label) for one in Status)
        raise ValueError(f"{text} isn't a status. Write one of {known}.")
    return status
