"""Puts secrets into rows and takes them out again, with this installation's ring of keys."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from django.db import transaction

from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path, read_or_make
from billhook.portal.integrations.crypto import (
    KEY_FILE,
    EncryptionKey,
    KeyRing,
    KeyRingError,
    SecretPlace,
    SecretUnreadableError,
    key_id,
    new_key,
    parse_keys,
    write_keys,
)
from billhook.portal.integrations.models import Integration, StoredSecret, StoredTokens

_CHUNK: Final = 200
_TOKENS: Final = "the tokens of"
"""Takes the place of a secret's name; no secret has a name with a space."""
_Encrypted = TypeVar("_Encrypted", StoredSecret, StoredTokens)


def key_ring() -> KeyRing:
    """Return the current key ring of this installation.

    It is read each time: another process may have rotated the keys, and nobody can read what is
    encrypted with a key that is gone.
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
    return ring.decrypt(bytes(row.ciphertext), _place_of(row))


def encrypt_tokens(text: Secret, *, integration: Integration) -> bytes:
    """Return *text*, which holds the tokens of *integration*, encrypted."""
    return encrypt_secret(text, integration=integration, name=_TOKENS)


def decrypt_tokens(row: StoredTokens, *, ring: KeyRing) -> Secret:
    """Return the text in *row*, whose integration must be loaded; see :func:`decrypt_secret`."""
    return ring.decrypt(bytes(row.ciphertext), _place_of(row))


def rotate_secrets() -> int:
    """Encrypt all stored secrets and tokens with a new key. Return the number of rows.

    With keys in the key file, the new one is created here; the previous one stays in the file until
    the next rotation, for a process that is just writing. With keys from the environment, the first
    of them is the new one.
    """
    ring = _with_new_key() if not environment.current().secrets_keys else key_ring()
    if len(ring.keys) == 1 and _ciphertexts():
        raise KeyRingError(
            "There is only one key. Put a new one before it in BILLHOOK_SECRETS_KEYS, "
            "separated by a comma, and run this again."
        )
    return _encrypt_again(StoredSecret, ring) + _encrypt_again(StoredTokens, ring)


def has_secrets() -> bool:
    """Return whether anything is encrypted."""
    return bool(_ciphertexts())


def unreadable_secrets(ring: KeyRing) -> Iterator[str]:
    """Name every stored secret that can't be decrypted with *ring*, for the operator."""
    for model in (StoredSecret, StoredTokens):
        rows = model.objects.exclude(ciphertext=b"").select_related("integration")
        for row in rows.iterator(chunk_size=_CHUNK):
            try:
                ring.decrypt(bytes(row.ciphertext), _place_of(row))
            except SecretUnreadableError:
                name = row.name if isinstance(row, StoredSecret) else "tokens"
                yield f"{name} of the integration {row.integration.name}"


def _ciphertexts() -> list[bytes]:
    """Return everything that is encrypted. Tokens that haven't come yet are empty."""
    secrets = StoredSecret.objects.values_list("ciphertext", flat=True)
    tokens = StoredTokens.objects.exclude(ciphertext=b"").values_list("ciphertext", flat=True)
    return [bytes(text) for text in (*secrets, *tokens)]


def _encrypt_again(model: type[_Encrypted], ring: KeyRing) -> int:
    ids = list(model.objects.exclude(ciphertext=b"").values_list("pk", flat=True))
    for start in range(0, len(ids), _CHUNK):
        _encrypt_chunk(model, ids[start : start + _CHUNK], ring)
    return len(ids)


@transaction.atomic
def _encrypt_chunk(model: type[_Encrypted], ids: list[str], ring: KeyRing) -> None:
    rows = model.objects.select_for_update(of=("self",)).select_related("integration")
    for row in rows.filter(pk__in=ids):
        place = _place_of(row)
        value = ring.decrypt(bytes(row.ciphertext), place)
        row.ciphertext = ring.encrypt(value, place)
        row.save(update_fields=["ciphertext"])


def _place_of(row: StoredSecret | StoredTokens) -> SecretPlace:
    return _place(row.integration, row.name if isinstance(row, StoredSecret) else _TOKENS)


def _with_new_key() -> KeyRing:
    used = {key_id(text) for text in _ciphertexts()}
    ring = key_ring()
    kept = tuple(key for key in ring.keys if key is ring.current or key.id in used)
    _replace_key_file((new_key(), *kept))
    return key_ring()


def _replace_key_file(keys: tuple[EncryptionKey, ...]) -> None:
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
