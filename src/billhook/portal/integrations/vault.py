"""Puts secrets into rows and takes them out again, with this installation's ring of keys."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from django.db import transaction

from billhook.engine.secret import Secret
from billhook.portal import environment
from billhook.portal.datafolder import data_path, read_or_make
from billhook.portal.integrations.crypto import (
    KEY_FILE,
    Key,
    KeyRing,
    KeyRingError,
    SecretPlace,
    key_id,
    new_key,
    parse_keys,
    write_keys,
)
from billhook.portal.integrations.models import Integration, StoredSecret

_CHUNK: Final = 200


def key_ring() -> KeyRing:
    """Return the ring of this installation, as it stands now.

    It is read each time: another process may have rotated the keys, and what is encrypted with a
    key that has gone can't be read by anybody.
    """
    written = environment.current().secrets_keys
    return parse_keys(written or read_or_make(KEY_FILE, _first_text))


def _first_text() -> str:
    return write_keys([new_key()])


def encrypt_secret(value: Secret, *, integration: Integration, name: str) -> bytes:
    """Return *value* encrypted for the secret *name* of *integration*."""
    return key_ring().encrypt(value, _place(integration, name))


def decrypt_secret(row: StoredSecret, *, ring: KeyRing) -> Secret:
    """Return the value of *row*, whose integration must be loaded.

    Raises:
        SecretUnreadableError: its key is gone, or the ciphertext was made for another row.
    """
    return ring.decrypt(bytes(row.ciphertext), _place(row.integration, row.name))


def rotate_secrets() -> int:
    """Encrypt every stored secret with a new key. Return how many secrets that were.

    With keys in the key file, the new one is made here; the one before it stays in the file until
    the next rotation, for a process that is writing just now. With keys from the environment, the
    first of them is the new one.
    """
    ring = _with_new_key() if not environment.current().secrets_keys else key_ring()
    if len(ring.keys) == 1 and StoredSecret.objects.exists():
        raise KeyRingError(
            "There is one key only. Put a new one in front of it in BILLHOOK_SECRETS_KEYS, "
            "with a comma between, and start this again."
        )
    return _encrypt_again(ring)


def _encrypt_again(ring: KeyRing) -> int:
    ids = list(StoredSecret.objects.values_list("id", flat=True))
    for start in range(0, len(ids), _CHUNK):
        _encrypt_chunk(ids[start : start + _CHUNK], ring)
    return len(ids)


@transaction.atomic
def _encrypt_chunk(ids: list[str], ring: KeyRing) -> None:
    rows = StoredSecret.objects.select_for_update(of=("self",)).select_related("integration")
    for row in rows.filter(id__in=ids):
        value = decrypt_secret(row, ring=ring)
        row.ciphertext = ring.encrypt(value, _place(row.integration, row.name))
        row.save(update_fields=["ciphertext"])


def _with_new_key() -> KeyRing:
    used = {
        key_id(bytes(text)) for text in StoredSecret.objects.values_list("ciphertext", flat=True)
    }
    ring = key_ring()
    kept = tuple(key for key in ring.keys if key is ring.current or key.id in used)
    _replace_key_file((new_key(), *kept))
    return key_ring()


def _replace_key_file(keys: tuple[Key, ...]) -> None:
    """Write the key file at once: a reader finds the old keys or the new ones, never half."""
    path = data_path(KEY_FILE)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{KEY_FILE}.")  # with mode 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(write_keys(keys))
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def _place(integration: Integration, name: str) -> SecretPlace:
    return SecretPlace(
        organisation_id=integration.organisation_id, integration_id=integration.id, name=name
    )
