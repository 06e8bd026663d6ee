"""Encryption of stored files: in chunks, with a key that is derived from the signing key.

A sealed file is ``1 | salt (32)``, then chunks. The key is derived (HKDF, RFC 5869) from the
signing key, the salt and the organisation. A chunk's nonce is its number and whether it is the
last one, so chunks can't be exchanged, left out or cut off (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár); the shelf and the file's name are associated data.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from billhook.portal.installation.data_folder import signing_key

_VERSION: Final = b"\x01"
_SALT_BYTES: Final = 32
HEAD_BYTES: Final = len(_VERSION) + _SALT_BYTES
_PLAIN_BYTES: Final = 256 * 1024
SEALED_BYTES: Final = _PLAIN_BYTES + 16
"""The bytes of a sealed chunk, except the last one, which has fewer or as many."""


class SealBroken(Exception):
    """Bytes were sealed with another signing key or for another file, or were changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """The place of a stored file, to which its bytes are tied."""

    shelf: str
    name: str
    organisation_id: str

    def associated_data(self) -> bytes:
        """Return the place as bytes that are different for every place."""
        return f"billhook file\0{self.shelf}\0{self.name}".encode()


def seal(chunks: Iterable[bytes], place: FilePlace) -> Iterator[bytes]:
    """Yield the head, then the sealed chunks of the bytes in *chunks* (of any size)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    cipher, bound = _cipher(salt, place), place.associated_data()
    yield _VERSION + salt
    waiting, number = bytearray(), 0
    for chunk in chunks:
        waiting += chunk
        while len(waiting) > _PLAIN_BYTES:
            yield cipher.encrypt(_nonce(number), bytes(waiting[:_PLAIN_BYTES]), bound)
            del waiting[:_PLAIN_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(waiting), bound)


def unseal(sealed: Iterator[bytes], place: FilePlace) -> Iterator[bytes]:
    """Yield the bytes of a file from its head and its chunks, each as :func:`seal` made it.

    Raises:
        SealBroken: if they aren't the whole file of *place*.
    """
    head = next(sealed, b"")
    if len(head) != HEAD_BYTES or not head.startswith(_VERSION):
        raise SealBroken
    cipher, bound = _cipher(head[len(_VERSION) :], place), place.associated_data()
    number, before = 0, next(sealed, b"")
    try:
        for chunk in sealed:
            yield cipher.decrypt(_nonce(number), before, bound)
            number, before = number + 1, chunk
        yield cipher.decrypt(_nonce(number, is_last=True), before, bound)
    except InvalidTag:
        raise SealBroken from None


def _nonce(number: int, *, is_last: bool = False) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _cipher(salt: bytes, place: FilePlace) -> AESGCM:
    use = b"billhook stored file\0" + place.organisation_id.encode()
    derived = HKDF(SHA256(), 32, salt, use).derive(signing_key().encode())
    return AESGCM(derived)
