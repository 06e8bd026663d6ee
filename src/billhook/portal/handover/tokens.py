"""The form of a sign-in token, and the part of it by which it is known again."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final

from billhook.engine.secret import Secret

MAX_LENGTH: Final = 4_096
"""Characters of the longest token: enough for a signed one (JWT) with many claims."""
_SIGNED: Final = re.compile(r"(([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*)\.[A-Za-z0-9_=-]*", re.ASCII)


def read_token(text: str) -> Secret | None:
    """Return the token that *text* is, or None: empty, too long, or with control characters.

    Spaces around it don't count: a service that ignores them would take them for the same token.
    """
    text = text.strip()
    is_one = 0 < len(text) <= MAX_LENGTH and text.isprintable()
    return Secret(text) if is_one else None


def one_spelling(token: Secret) -> str:
    """Return the text that all spellings of *token* have in common.

    Of a signed one (RFC 7515) that is what is signed. The last letter of a signature can often be
    changed, and one by an elliptic curve be turned into another valid one: neither is a new token.
    """
    text = token.reveal()
    signed = _SIGNED.fullmatch(text)
    return signed[1] if signed and _is_header(signed[2]) else text


def _is_header(text: str) -> bool:
    """Return whether *text* is the header of a signed token: an object that names its algorithm."""
    try:
        header = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)
