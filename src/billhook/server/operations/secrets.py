"""Rotation of the keys that encrypt stored secrets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from billhook.server.errors import Refusal
from billhook.server.operations.installation import open_installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The number of secrets that a rotation encrypted, and of those that it forgot."""

    encrypted: int
    forgotten: int


def rotate(data_dir: Path | None, *, forget: bool) -> Rotation:
    """Encrypt every stored secret with a new key; with *forget*, forget unreadable ones first.

    Raises:
        Refusal: where there is no such installation, its keys can't be used, or another rotation
            is running.
    """
    with open_installation(data_dir):
        from billhook.portal.integrations.crypto import KeyRingError, SecretUnreadableError
        from billhook.portal.integrations.key_file import RotationRunning
        from billhook.portal.integrations.vault import forget_unreadable, rotate_secrets

        try:
            forgotten = forget_unreadable() if forget else 0
            return Rotation(encrypted=rotate_secrets(), forgotten=forgotten)
        except (KeyRingError, SecretUnreadableError) as error:
            raise Refusal("secrets-key", str(error), where="secrets.key") from None
        except RotationRunning:
            message = "Another rotation is running. Wait until it has ended, and run this again."
            raise Refusal("rotation-running", message) from None
