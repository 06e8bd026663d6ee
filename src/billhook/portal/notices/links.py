"""The link in each mail that ends such mail without signing in (RFC 8058).

It is signed, names a person and an organisation by their ids, and never expires: mail is kept for
years. Its page says the same whether that person is still there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

_SALT: Final = "billhook.stop-notices"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLink:
    """The person and the organisation whose mail a link ends."""

    user_id: str
    organisation_id: str


def stop_address(user_id: str, organisation_id: str) -> str:
    """Return the address that ends the mail of one organisation to one person."""
    token = signing.Signer(salt=_SALT).sign(f"{organisation_id}.{user_id}")
    return f"{settings.PUBLIC_URL}{reverse('stop-notices', args=[token])}"


def read_stop_token(token: str) -> StopLink | None:
    """Return the link that *token* belongs to, or None if it isn't one of ours."""
    try:
        organisation_id, user_id = signing.Signer(salt=_SALT).unsign(token).split(".")
    except (signing.BadSignature, ValueError):
        return None
    return StopLink(user_id=user_id, organisation_id=organisation_id)
