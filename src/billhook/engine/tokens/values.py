"""Values given for tokens, checked and turned into text once, before they meet a slot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, final

from billhook.engine.egress.url import Origin
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import Value

MAX_VALUE: Final = 65_536
"""The most characters that one value may have."""
_PLAIN_EXPONENT: Final = 40
"""Decimals up to this magnitude are written without an exponent."""


class UnfitValue(Exception):
    """A value that isn't allowed in its slot. *reason* continues "The value of {{Name}} "."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


class Given(NamedTuple):
    """One value, ready to be encoded for a slot.

    ``text`` is None for null. ``quoted`` says that it is written as a string if it is bare
    in JSON. ``given_by`` is the origin whose response it was extracted from.
    """

    text: str | None
    quoted: bool
    secret: bool = False
    given_by: Origin | None = None


@final
class Values:
    """All values of one use of a command, by token name. It prints no value."""

    __slots__ = ("given", "holds_secret_tokens")

    def __init__(self, given: Mapping[str, Given], *, holds_secret_tokens: bool = False) -> None:
        self.given = given
        self.holds_secret_tokens = holds_secret_tokens
        """Whether a token other than a stored secret may have a secret value."""

    def with_more(self, given: Mapping[str, Given]) -> Values:
        """Return values that are *given*, some of which may be secret."""
        secret = self.holds_secret_tokens or any(each.secret for each in given.values())
        return Values(given, holds_secret_tokens=secret)

    def __repr__(self) -> str:
        return f"Values({', '.join(self.given)})"


def take_value(value: Value) -> Given:
    """Check *value* and turn it into text; raise :class:`UnfitValue` if it can't be sent at all."""
    if type(value) is str:
        return Given(text=checked_text(value), quoted=True)
    if value is None:
        return Given(text=None, quoted=False)
    if isinstance(value, Secret):
        return Given(text=checked_text(value.reveal()), quoted=True, secret=True)
    if isinstance(value, str | date):
        text = value if isinstance(value, str) else value.isoformat()
        return Given(text=checked_text(text), quoted=True)
    return Given(text=_number_text(value), quoted=False)


def checked_text(text: str) -> str:
    """Return *text* if it is allowed in any slot, else raise :class:`UnfitValue`."""
    if len(text) > MAX_VALUE:
        raise UnfitValue("too-long", f"is longer than {MAX_VALUE:,} characters.")
    if "\0" in text:
        raise UnfitValue("control-character", "holds a NUL character, which is sent nowhere.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnfitValue(
                "invalid-unicode", "holds half of a surrogate pair, which is no character."
            ) from None
    return text


def _number_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))
    if isinstance(value, Decimal) and value.is_finite():
        return _decimal_text(value)
    if isinstance(value, float | Decimal):
        raise UnfitValue("not-finite", "is not a finite number.")
    raise UnfitValue(
        "unsupported-type", "has to be text, a number, a date, true, false or null, not a list."
    )


def _integer_text(value: int) -> str:
    try:
        return str(int(value))
    except ValueError:  # CPython refuses to write integers of more than 4,300 digits
        raise UnfitValue("too-long", "is a number of too many digits.") from None


def _decimal_text(value: Decimal) -> str:
    return format(value, "f") if abs(value.adjusted()) <= _PLAIN_EXPONENT else str(value)
