"""The secrets of endpoints: made as Standard Webhooks says, and sealed in the database."""

from __future__ import annotations

import base64
import secrets
from typing import Final

from billhook.engine.secret import Secret
from billhook.portal.storage.sealing import HEAD_BYTES, FilePlace, seal, unseal

PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_secret() -> Secret:
    """Return a new secret: ``whsec_`` and 32 random bytes in base 64."""
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode())


def seal_secret(value: Secret, *, organisation_id: str, endpoint_id: str) -> bytes:
    """Return *value* sealed for one endpoint."""
    return b"".join(seal([value.reveal().encode()], _place(organisation_id, endpoint_id)))


def open_secret(sealed: bytes, *, organisation_id: str, endpoint_id: str) -> Secret:
    """Return the secret in *sealed*.

    Raises:
        SealBroken: if it was sealed with another signing key, or for another endpoint.
    """
    pieces = iter((sealed[:HEAD_BYTES], sealed[HEAD_BYTES:]))
    return Secret(b"".join(unseal(pieces, _place(organisation_id, endpoint_id))).decode())


def _place(organisation_id: str, endpoint_id: str) -> FilePlace:
    return FilePlace(shelf="webhook secret", name=endpoint_id, organisation_id=organisation_id)
