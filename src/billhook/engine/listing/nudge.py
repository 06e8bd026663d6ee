"""The signature of a nudge, for the systems that test whether it is checked."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from billhook.engine.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """The header with the HMAC-SHA256 of a nudge's body, whose key is the secret *secret*."""

    header: str
    secret: str

    def is_signed(
        self, body: bytes, headers: Iterable[tuple[str, str]], secrets: Mapping[str, Secret]
    ) -> bool:
        """Say whether the header has the right signature, in base 64 or hexadecimal."""
        key = secrets.get(self.secret)
        given = [value for name, value in headers if name.lower() == self.header.lower()]
        if key is None or len(given) != 1:
            return False
        right = hmac.new(key.reveal().encode(), body, hashlib.sha256).digest()
        text = given[0].strip().removeprefix("sha256=").encode(errors="replace")
        in_base64, in_hex = base64.b64encode(right), right.hex().encode()
        return hmac.compare_digest(text, in_base64) | hmac.compare_digest(text.lower(), in_hex)
