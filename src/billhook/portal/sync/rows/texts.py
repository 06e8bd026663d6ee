"""Texts of a source, which may be of any length and hold anything, made fit for our rows."""

from __future__ import annotations

import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billhook.portal.fields.names import has_unseen

_JOINERS: Final = "\u200c\u200d"
EMAIL_LENGTH: Final = 254
_LOCALE_LENGTH: Final = 16


def fit_text(text: str, length: int) -> str:
    """Return *text* on one line, without invisible characters, cut to *length*."""
    text = text[: 4 * length]
    if has_unseen(text):
        text = "".join(
            each if each in _JOINERS or unicodedata.category(each)[0] not in "CZ" else " "
            for each in text
        )
    return " ".join(text.split())[:length].rstrip()


def is_key(text: str, length: int) -> bool:
    """Return whether *text* may identify something: it can't be cut or changed without harm."""
    return 0 < len(text) <= length and text == text.strip() and not has_unseen(text)


def fit_email(text: str) -> str:
    """Return the address *text* in lower case; nothing if it isn't one."""
    email = text.strip().lower()
    if len(email) > EMAIL_LENGTH or not email.isascii():
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def fit_locale(text: str) -> str:
    """Return the language *text* as we write it; nothing if it isn't one."""
    parts = text.strip().replace("_", "-").split("-")
    is_plain = all(part.isascii() and part.isalnum() for part in parts)
    is_language = is_plain and len(text) <= _LOCALE_LENGTH
    return "-".join(parts) if is_language and parts[0].isalpha() else ""
