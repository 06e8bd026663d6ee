"""A secret value that doesn't print."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

MASK: Final = "••••••"
"""The text that replaces a secret wherever it is shown."""


@final
class Secret:
    """A credential with one exit, :meth:`reveal`.

    It prints as a mask, compares in constant time, and can be neither pickled nor copied into JSON.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value. Call this only where it goes onto the wire or into the cipher."""
        return self._value

    def __repr__(self) -> str:
        return "Secret()"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would tell equal secrets apart from others

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret can't be pickled")
