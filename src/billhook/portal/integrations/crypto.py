"""Secrets at rest: an authenticated cipher, and the ring of keys outside the database.

A stored secret is ``1 | key id (8) | nonce (12) | ciphertext and tag``. The associated data name
the organisation, the integration and the secret, so a ciphertext that is copied into another row,
or into another organisation's, can't be read there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from billhook.engine.secret import Secret

KEY_BYTES: Final = 32
KEY_FILE: Final = "secrets.key"
_VERSION: Final = b"\x01"
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
ID_STARTS_AT: Final = len(_VERSION)
ID_ENDS_AT: Final = ID_STARTS_AT + _ID_BYTES
"""The bytes of a stored secret that hold the id of its key, from and to."""
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES + _NONCE_BYTES
_FILE_HEADER: Final = (
    "# The keys of Billhook's secrets, the one in use first. Without them no secret can be read:\n"
    "# keep a copy, apart from the copies of the database.\n"
)


class KeyRingError(Exception):
    """The keys can't be used. The message contains no key."""


class SecretUnreadableError(Exception):
    """A stored secret can't be read: its key is gone, or the row isn't the one it was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPlace:
    """The owner of a secret, to which its ciphertext is tied."""

    organisation_id: str
    integration_id: str
    name: str

    def associated_data(self) -> bytes:
        """Return the owner as bytes that are different for every owner."""
        parts = (self.organisation_id, self.integration_id, self.name)
        return b"billhook secret\0" + b"\0".join(part.encode() for part in parts)


class EncryptionKey:
    """One key, with an id that is made from it. It doesn't print."""

    __slots__ = ("_cipher", "_raw", "id")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise KeyRingError(f"A secrets key has {KEY_BYTES} bytes; this one has {len(raw)}.")
        self._raw = raw
        self._cipher = AESGCM(raw)
        self.id = hashlib.sha256(b"billhook key id\0" + raw).digest()[:_ID_BYTES]

    def __repr__(self) -> str:
        return f"Key(id={self.id.hex()})"

    def to_text(self) -> str:
        """Return the key as it is written in the key file. For that file alone."""
        return base64.urlsafe_b64encode(self._raw).decode()

    def encrypt(self, value: Secret, place: SecretPlace) -> bytes:
        """Return *value*, encrypted and tied to its owner, *place*."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, value.reveal().encode(), place.associated_data())
        return _VERSION + self.id + nonce + sealed

    def decrypt(self, nonce: bytes, sealed: bytes, place: SecretPlace) -> Secret:
        """Return the secret in *sealed*, or raise InvalidTag."""
        return Secret(self._cipher.decrypt(nonce, sealed, place.associated_data()).decode())


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys: the first one encrypts, each decrypts what it has encrypted."""

    keys: tuple[EncryptionKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeyRingError("There is no secrets key. At least one is needed.")

    @property
    def current(self) -> EncryptionKey:
        """The key that encrypts."""
        return self.keys[0]

    def encrypt(self, value: Secret, place: SecretPlace) -> bytes:
        """Return *value*, encrypted with the current key and tied to *place*."""
        return self.current.encrypt(value, place)

    def decrypt(self, stored: bytes, place: SecretPlace) -> Secret:
        """Return the secret in *stored*; raise SecretUnreadableError if it can't be read there."""
        key = self._key(key_id(stored))
        nonce, sealed = stored[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES], stored[_HEAD_BYTES:]
        try:
            return key.decrypt(nonce, sealed, place)
        except InvalidTag:
            raise SecretUnreadableError(
                "The stored secret doesn't belong to this row, or was changed."
            ) from None

    def _key(self, wanted: bytes) -> EncryptionKey:
        for key in self.keys:
            if key.id == wanted:
                return key
        raise SecretUnreadableError(f"The secrets key {wanted.hex()} isn't in the ring.")


def key_id(stored: bytes) -> bytes:
    """Return the id of the key that encrypted *stored*."""
    if len(stored) <= _HEAD_BYTES or not stored.startswith(_VERSION):
        raise SecretUnreadableError("This version doesn't know the format of the stored secret.")
    return stored[ID_STARTS_AT:ID_ENDS_AT]


def new_key() -> EncryptionKey:
    """Return a new random key."""
    return EncryptionKey(secrets.token_bytes(KEY_BYTES))


def parse_keys(text: str) -> KeyRing:
    """Return the ring written in *text*: keys in base64, by commas or lines; # starts a comment."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    words = (word.strip() for line in lines for word in line.split(","))
    return KeyRing(tuple(_parse_key(word) for word in words if word))


def _parse_key(word: str) -> EncryptionKey:
    try:
        raw = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise KeyRingError(
            f"A secrets key must be {KEY_BYTES} random bytes in base64, such as "
            "`head -c 32 /dev/urandom | base64` prints."
        ) from None
    return EncryptionKey(raw)


def write_keys(keys: Iterable[EncryptionKey]) -> str:
    """Return *keys* as the text of a key file, for :func:`parse_keys`."""
    return _FILE_HEADER + "".join(key.to_text() + "\n" for key in keys)
