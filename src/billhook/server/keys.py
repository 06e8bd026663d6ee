"""Makes the keys of a new installation, and looks at those of an old one before it serves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import SIGNING_KEY_FILE, signing_key
from billhook.portal.integrations.crypto import KEY_FILE, KeyRingError
from billhook.portal.integrations.vault import count_of_missing_keys, has_secrets, key_ring
from billhook.portal.nodes.node import this_node
from billhook.portal.nodes.services import SECRETS, SIGNING, OtherKeys, join_installation
from billhook.server.errors import CannotStart

_KEYS: Final = {
    SECRETS: ("BILLHOOK_SECRETS_KEYS", KEY_FILE),
    SIGNING: ("BILLHOOK_SIGNING_KEY", SIGNING_KEY_FILE),
}
_FINGERPRINT_LETTERS: Final = 32
_RESTORE = "Restore it from a backup"
_NO_SECRETS = "; without its keys, no stored secret can be read."
_LOST = (
    "If it is lost for good, run `billhook rotate-secrets --forget-unreadable` and type these "
    "secrets again."
)


def check_keys() -> None:
    """Create the keys that don't exist yet.

    Raises:
        CannotStart: with a sentence, if existing keys can't be used.
    """
    settings = environment.current()
    refuse_lost_keys()
    _check(
        key_ring,
        what=_place("BILLHOOK_SECRETS_KEYS", KEY_FILE, is_set=_is_set()),
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
            f"BILLHOOK_SECRETS_KEYS as the server had it{_NO_SECRETS} {_LOST}"
        )


def refuse_unfit_keys() -> None:
    """Raise :class:`CannotStart` if stored secrets need a key that isn't here.

    The file, or the setting, is then an older one or another installation's.
    """
    lost = count_of_missing_keys(key_ring())
    if lost:
        what = _place("BILLHOOK_SECRETS_KEYS", KEY_FILE, is_set=_is_set())
        some = "1 stored secret was" if lost == 1 else f"{lost} stored secrets were"
        raise CannotStart(
            f"{what} is older than the database, or of another installation: {some} encrypted with "
            f"a key that isn't in it. {_RESTORE}. {_LOST}"
        )


def join_nodes() -> None:
    """Let this node be one of the installation's.

    Raises:
        CannotStart: with a sentence, if it has other keys than the nodes that are running.
    """
    try:
        join_installation(this_node(), own_keys())
    except OtherKeys as other:
        setting, file = _KEYS[other.kind]
        is_set = bool(getattr(environment.current(), setting.removeprefix("BILLHOOK_").lower()))
        raise CannotStart(
            f"{_place(setting, file, is_set=is_set)} holds another key than the nodes that are "
            f"running: {', '.join(other.others)}. Set {setting} as it is there, or copy their file "
            f"{file} into the data folder. If those nodes have just been stopped, wait 30 seconds."
        ) from None


def own_keys() -> dict[str, list[str]]:
    """Return the fingerprints of the keys here by kind, the one in use first.

    They are different for every key, and reveal nothing of it.
    """
    signing = hashlib.sha256(b"billhook signing key\0" + signing_key().encode()).hexdigest()
    return {
        SECRETS: [key.id.hex() for key in key_ring().keys],
        SIGNING: [signing[:_FINGERPRINT_LETTERS]],
    }


def _is_set() -> bool:
    return bool(environment.current().secrets_keys)


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
