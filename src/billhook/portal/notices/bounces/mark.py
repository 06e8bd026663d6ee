"""The mark of a mail with notices: its id and a signature of it.

It is in the mail's headers, and comes back with a bounce. Since it is signed, nobody can make up a
bounce of a mail that they haven't received.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

from billhook.portal.fields.ids import LENGTH

_SALT: Final = "billhook.notice-mark"
_SIGNATURE_LENGTH: Final = 20
"""Hexadecimal digits, 80 bits: the name of an address has room for 64 characters (RFC 5321)."""
MARK_LENGTH: Final = LENGTH + 1 + _SIGNATURE_LENGTH
_MARK: Final = re.compile(
    rb"(?<![0-9a-z])([0-9a-z]{%d})\.([0-9a-f]{%d})(?![0-9a-z])" % (LENGTH, _SIGNATURE_LENGTH)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMark:
    """A mark in a message. One that isn't genuine was made up, or signed with another key."""

    mailing_id: str
    is_genuine: bool


def mark_of(mailing_id: str) -> str:
    """Return the mark of a mail. Its case doesn't matter, since mail servers may change that."""
    return f"{mailing_id}.{_signature(mailing_id)}"


def find_mark(content: bytes) -> FoundMark | None:
    """Return the first genuine mark in *content*, or else any mark, or None."""
    other = None
    for mailing_id, signature in _MARK.findall(content.lower()):
        found = mailing_id.decode()
        if constant_time_compare(signature.decode(), _signature(found)):
            return FoundMark(mailing_id=found, is_genuine=True)
        other = FoundMark(mailing_id=found, is_genuine=False)
    return other


def _signature(mailing_id: str) -> str:
    signed = salted_hmac(_SALT, mailing_id, algorithm="sha256")
    return signed.hexdigest()[:_SIGNATURE_LENGTH]
