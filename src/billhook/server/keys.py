"""Makes the keys of a new installation, and looks at those of an old one before it serves."""

from __future__ import annotations

from collections.abc import Callable

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import SIGNING_KEY_FILE, signing_key
from billhook.portal.integrations.crypto import KEY_FILE, KeyRingError
from billhook.portal.integrations.vault import has_secrets, key_ring
from billhook.server.errors import CannotStart

_RESTORE = "Restore it from a backup"
_NO_SECRETS = "; without its keys, no stored secret can be read."


def check_keys() -> None:
    """Create the keys that don't exist yet.

    Raises:
        CannotStart: with a sentence, if existing keys can't be used.
    """
    settings = environment.current()
    _check(
        key_ring,
        what=_place("BILLHOOK_SECRETS_KEYS", KEY_FILE, is_set=bool(settings.secrets_keys)),
        advice=_RESTORE + _NO_SECRETS,
    )
    _check(
        _check_signing_key,
        what=_place("BILLHOOK_SIGNING_KEY", SIGNING_KEY_FILE, is_set=bool(settings.signing_key)),
        advice=f"{_RESTORE}, or remove it: everybody must then sign in again.",
    )


def refuse_lost_keys() -> None:
    """Raise :class:`CannotStart` if secrets are stored and their key file is gone."""
    settings = environment.current()
    if not settings.secrets_keys and not (settings.data_dir / KEY_FILE).exists() and has_secrets():
        raise CannotStart(
            f"The file {KEY_FILE} isn't in the data folder. {_RESTORE}, or set "
            f"BILLHOOK_SECRETS_KEYS as the server has it{_NO_SECRETS}"
        )


def _place(setting: str, file: str, *, is_set: bool) -> str:
    return f"The setting {setting}" if is_set else f"The file {file} in the data folder"


def _check_signing_key() -> None:
    if not signing_key():
        raise ValueError


def _check(read: Callable[[], object], *, what: str, advice: str) -> None:
    try:
        read()
    except KeyRingError as error:
        raise CannotStart(f"{what} can't be used. {error} {advice}") from None
    except OSError:
        raise CannotStart(f"{what} can't be read. Let this user read it.") from None
    except ValueError:
        raise CannotStart(f"{what} holds no key. {advice}") from None
