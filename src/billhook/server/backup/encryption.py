"""Encryption of a backup with a passphrase, chunk by chunk, so that memory stays flat.

The file is a header and chunks of 64 KiB, each sealed with AES-256-GCM; the key is derived from the
passphrase with scrypt (RFC 7914). The nonce of a chunk is its number and, in the last byte, whether
it is the last one: so no chunk can be changed, moved, repeated, left out or cut off (the STREAM
construction: Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption", 2015). The
header holds 16 bytes derived with the key: a wrong passphrase isn't taken for a damaged file.
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from hmac import compare_digest
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from billhook.engine.secret import Secret
from billhook.server.backup.errors import DamagedBackup, WrongPassphrase

MAGIC: Final = b"BILLHOOK-BACKUP\x01"
CHUNK_BYTES: Final = 64 * 1024
_TAG_BYTES: Final = 16
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_CHECK_BYTES: Final = 16
_HEADER_BYTES: Final = len(MAGIC) + 1 + _SALT_BYTES + _CHECK_BYTES
_COST: Final = 17
"""The logarithm of scrypt's N: 128 MB of memory and half a second for each guess (OWASP)."""
_MAX_COST: Final = 20
_BLOCK_SIZE: Final = 8
_LAST: Final = b"\x01"
_NOT_LAST: Final = b"\x00"


class EncryptingWriter(io.RawIOBase):
    """Encrypts what is written into *file*. Without :meth:`finish`, the result can't be read."""

    def __init__(self, file: BinaryIO, passphrase: Secret) -> None:
        salt = secrets.token_bytes(_SALT_BYTES)
        key, check = _derive(passphrase, salt, _COST)
        header = MAGIC + bytes([_COST]) + salt + check
        self._file = file
        self._sealer = _Sealer(AESGCM(key), header)
        self._kept = bytearray()
        file.write(header)

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # what gzip writes
        """Take *data*; whole chunks go on at once, except for one that may be the last."""
        self._kept += data
        while len(self._kept) > CHUNK_BYTES:
            self._file.write(self._sealer.seal(bytes(self._kept[:CHUNK_BYTES]), _NOT_LAST))
            del self._kept[:CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._file.write(self._sealer.seal(bytes(self._kept), _LAST))


class DecryptingReader(io.RawIOBase):
    """Decrypts *file*, which must be at its beginning, as it is read.

    Raises:
        WrongPassphrase: where the passphrase isn't the one that made the header.
        DamagedBackup: where a chunk can't be opened, or the file is cut.
    """

    def __init__(self, file: BinaryIO, passphrase: Secret) -> None:
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not 0 < header[len(MAGIC)] <= _MAX_COST:
            raise DamagedBackup
        salt, stored = header[-_SALT_BYTES - _CHECK_BYTES : -_CHECK_BYTES], header[-_CHECK_BYTES:]
        key, check = _derive(passphrase, salt, header[len(MAGIC)])
        if not compare_digest(check, stored):
            raise WrongPassphrase
        self._file = file
        self._sealer = _Sealer(AESGCM(key), header)
        self._next = self._file.read(CHUNK_BYTES + _TAG_BYTES)
        self._opened = memoryview(b"")

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill *buffer* with what comes next, and return the number of bytes; 0 is the end."""
        if not self._opened and self._next:
            self._open_chunk()
        size = min(len(buffer), len(self._opened))
        buffer[:size] = self._opened[:size]
        self._opened = self._opened[size:]
        return size

    def _open_chunk(self) -> None:
        sealed, self._next = self._next, self._file.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            opened = self._sealer.open(sealed, _NOT_LAST if self._next else _LAST)
        except InvalidTag:
            raise DamagedBackup from None
        self._opened = memoryview(opened)


@dataclass(slots=True)
class _Sealer:
    """Seals or opens chunks in their order."""

    cipher: AESGCM
    header: bytes
    count: int = 0

    def seal(self, chunk: bytes, last: bytes) -> bytes:
        return self.cipher.encrypt(self._nonce(last), chunk, self.header)

    def open(self, sealed: bytes, last: bytes) -> bytes:
        return self.cipher.decrypt(self._nonce(last), sealed, self.header)

    def _nonce(self, last: bytes) -> bytes:
        nonce = self.count.to_bytes(11, "big") + last
        self.count += 1
        return nonce


def _derive(passphrase: Secret, salt: bytes, cost: int) -> tuple[bytes, bytes]:
    """Return the key, and what the header keeps to recognise the passphrase."""
    length = _KEY_BYTES + _CHECK_BYTES
    kdf = Scrypt(salt=salt, length=length, n=2**cost, r=_BLOCK_SIZE, p=1)
    derived = kdf.derive(passphrase.reveal().encode())
    return derived[:_KEY_BYTES], derived[_KEY_BYTES:]
