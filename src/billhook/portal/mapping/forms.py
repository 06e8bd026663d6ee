"""Guesses the form of a field's values: dates, amounts and statuses, from the texts of a sample."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from billhook.engine.config import Scalar

_TIMES: Final = frozenset({"date", "due_date", "changed"})
_AMOUNTS: Final = frozenset({"amount", "open_amount"})
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?")
_ZONED: Final = re.compile(r".*(?:Z|[+-]\d{2}:?\d{2})")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2\d{4}")
_COMMA: Final = re.compile(r"-?[\d.]*,\d{1,2}")
_POINT: Final = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MONTHS: Final = 12
_STATUS_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "draft": ("draft", "pending", "proforma", "scheduled", "submitted", "entwurf"),
    "part-paid": ("partial", "part"),
    "void": ("void", "cancel", "reversed", "deleted", "storno"),
    "written-off": ("writtenoff", "writeoff", "uncollectible", "badcustomer"),
    "open": (
        "unpaid",
        "open",
        "sent",
        "due",
        "overdue",
        "approved",
        "authorised",
        "posted",
        "viewed",
    ),
    "paid": ("paid", "closed", "complete", "settled", "credit", "bezahlt"),
}


def form_of(name: str, texts: Sequence[str]) -> dict[str, str | dict[str, Scalar]]:
    """Return the inputs of the field *name* that its *texts* ask for, by key."""
    found = [text for text in texts if text]
    if not found:
        return {}
    if name in _TIMES:
        return dict(_times(found))
    if name in _AMOUNTS:
        return dict(_amounts(found))
    if name == "status":
        return {"values": {text: status_of(text) for text in found}}
    return {}


def _times(texts: Sequence[str]) -> dict[str, str]:
    if all(_ISO.fullmatch(text) for text in texts):
        has_time = any("T" in text or " " in text for text in texts)
        is_zoned = all(_ZONED.fullmatch(text) for text in texts if len(text) > len("2026-01-01"))
        return {"zone": "UTC"} if has_time and not is_zoned else {}
    if all(text.startswith("/Date(") for text in texts):
        return {"format": "dotnet"}
    if all(text.isdecimal() for text in texts):
        milliseconds = len("1700000000000")
        return {"format": "unix-ms" if len(texts[0]) == milliseconds else "unix", "zone": "UTC"}
    parts = [_DAY_FIRST.fullmatch(text) for text in texts]
    if not all(parts):
        return {}
    days = [(int(part[1]), int(part[3]), part[2]) for part in parts if part]
    sign = days[0][2]
    is_month_first = any(second > _MONTHS for _, second, _ in days)
    return {"format": f"MM{sign}dd{sign}yyyy" if is_month_first else f"dd{sign}MM{sign}yyyy"}


def _amounts(texts: Sequence[str]) -> dict[str, str]:
    if any(_COMMA.fullmatch(text) for text in texts):
        return {"decimal": ",", "group": "."}
    return {"decimal": ".", "group": ","} if any(_POINT.fullmatch(text) for text in texts) else {}


def status_of(text: str) -> str:
    """Return the likeliest status for a system's word; open if it says nothing to us."""
    plain = re.sub(r"[^a-z]", "", text.lower())
    for status, words in _STATUS_WORDS.items():
        if any(word in plain for word in words):
            return status
    return "open"
