"""Keeps a secret that was typed but not yet saved, from one look at a form to the next.

A form with a problem comes back to its sender, and no input should be lost; but a secret is never
shown again. So the form contains it encrypted, for this person and this organisation alone, for an
hour.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import Final

from billhook.engine.secret import Secret
from billhook.portal.integrations.crypto import SecretPlace, SecretUnreadableError
from billhook.portal.integrations.vault import key_ring
from billhook.portal.organisations.models import Member

KEPT_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Seals and opens the secrets that one member typed."""

    member: Member

    def seal(self, value: Secret) -> str:
        """Return *value* encrypted, fit for a hidden field of a form."""
        text = json.dumps([int(time.time()), value.reveal()])
        sealed = key_ring().encrypt(Secret(text), self._place())
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, text: str) -> Secret | None:
        """Return the secret in *text*; None if it is older than an hour or another person's."""
        try:
            sealed = base64.b64decode(text, altchars=b"-_", validate=True)
            at, value = json.loads(key_ring().decrypt(sealed, self._place()).reveal())
        except (binascii.Error, ValueError, SecretUnreadableError):
            return None
        return Secret(value) if time.time() - at <= KEPT_SECONDS else None

    def _place(self) -> SecretPlace:
        return SecretPlace(
            organisation_id=self.member.organisation_id,
            integration_id="a form of",
            name=self.member.user_id,
        )
