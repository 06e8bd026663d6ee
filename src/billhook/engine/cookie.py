"""Cookies that a source sets: their names and values (RFC 6265); of the attributes only an end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_COOKIES: Final = 50
MAX_BYTES: Final = 4096
"""Of one cookie, name and value: what RFC 6265, 6.1, asks of every client, and no more."""


def set_cookies(headers: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return the cookies that *headers* set, by name; None for one that they end.

    What browsers ignore is ignored: a cookie without a name, with a control character, or too long.
    """
    found: dict[str, str | None] = {}
    for name, text in headers:
        if name.lower() == "set-cookie" and len(found) < MAX_COOKIES:
            found |= _read(text)
    return found


def cookie_pairs(text: str) -> dict[str, str]:
    """Return the cookies of a Cookie header, by name."""
    pairs = (pair.partition("=") for pair in text.split(";") if pair.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def cookie_header(cookies: Iterable[tuple[str, str]]) -> str:
    """Return the value of a Cookie header (RFC 6265, 4.2.1)."""
    return "; ".join(f"{name}={value}" for name, value in cookies)


def _read(text: str) -> dict[str, str | None]:
    pair, *attributes = text.split(";")
    name, equals, value = (part.strip(" \t") for part in pair.partition("="))
    if not name or not equals or not pair.isprintable() or len(pair.encode()) > MAX_BYTES:
        return {}
    return {name: None if _is_over(attributes) else value}


def _is_over(attributes: Iterable[str]) -> bool:
    """Return whether the cookie ends at once: by Max-Age, or else by Expires (RFC 6265, 5.3)."""
    given = {
        name.strip().lower(): value.strip()
        for name, _, value in (attribute.partition("=") for attribute in attributes)
    }
    age = given.get("max-age", "")
    if age.removeprefix("-").isdecimal():
        return age.startswith("-") or not age.strip("0")
    try:
        ends = parsedate_to_datetime(given.get("expires", ""))
    except (ValueError, OverflowError):
        return False
    ends = ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC)
    return ends <= datetime.now(UTC)
