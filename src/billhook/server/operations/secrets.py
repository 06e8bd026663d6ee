"""Rotation of the keys that encrypt stored secrets."""

from __future__ import annotations

from pathlib import Path

from billhook.server.errors import Refusal
from billhook.server.operations.installation import open_installation


def rotate(data_dir: Path | None) -> int:
    """Encrypt every stored secret with a new key, and return how many there are.

    Raises:
        Refusal: where there is no such installation, or its keys can't be used.
    """
    with open_installation(data_dir):
        from billhook.portal.integrations.crypto import KeyRingError, SecretUnreadableError
        from billhook.portal.integrations.vault import rotate_secrets

        try:
            return rotate_secrets()
        except (KeyRingError, SecretUnreadableError) as error:
            raise Refusal("secrets-key", str(error), where="secrets.key") from None
