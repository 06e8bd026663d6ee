"""The rule for names and numbers that people read: only visible characters."""

from __future__ import annotations

import unicodedata
from typing import Final

from django.core.exceptions import ValidationError

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, formats (which hold all that turn the direction of text round), halves, line ends."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""Names in Persian and in scripts of India are written with these."""
SENTENCE: Final = (
    "This contains a line break or another invisible character. Remove it, or type the text again."
)

LOCALE_PATTERN: Final = "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"
LOCALE_SENTENCE: Final = "Write the language like en-GB or de."


def has_unseen(text: str) -> bool:
    """Return whether *text* contains a line break, a control or a character that reverses text.

    A character such as U+202E makes the rest of its line read backwards (Unicode TR 36, 2.10).
    """
    return not text.isprintable() and any(
        unicodedata.category(sign) in _UNSEEN and sign not in _JOINERS for sign in text
    )


def check_name(text: str) -> None:
    """Raise :class:`ValidationError` if *text* has invisible characters: a form's validator."""
    if has_unseen(text):
        raise ValidationError(SENTENCE, code="unseen")
