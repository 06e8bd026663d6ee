"""What a name or a number that people read may hold: only signs that they can see."""

from __future__ import annotations

import unicodedata
from typing import Final

from django.core.exceptions import ValidationError

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, formats (which hold all that turn the direction of text round), halves, line ends."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""Names in Persian and in scripts of India are written with these."""
SENTENCE: Final = (
    "This holds a line break or another sign that can't be seen. Remove it, or type it anew."
)


def has_unseen(text: str) -> bool:
    """Say whether *text* holds a line break, a control, or a sign that turns text round.

    A sign such as U+202E makes what follows it on the line read backwards (Unicode TR 36, 2.10).
    """
    return not text.isprintable() and any(
        unicodedata.category(sign) in _UNSEEN and sign not in _JOINERS for sign in text
    )


def check_name(text: str) -> None:
    """Raise :class:`ValidationError` where *text* holds what can't be seen: a form's validator."""
    if has_unseen(text):
        raise ValidationError(SENTENCE, code="unseen")
