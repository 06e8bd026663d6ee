"""Short random names for rows: fit for a URL, to be read out on the phone, and not to be guessed."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH: Final = 12


def new_id() -> str:
    """Return a new random id: 12 characters of Crockford's base 32, 60 bits."""
    number = secrets.randbits(5 * LENGTH)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(0, 5 * LENGTH, 5))
