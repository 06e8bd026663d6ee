"""The archive inside a backup: a compressed tar file, written and read from front to back.

Any tar program can list it. The last member holds the SHA-256 of all others, so that a cut or
altered archive is never taken for a whole one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from billhook.server.backup.errors import DamagedBackup

GZIP_MAGIC: Final = b"\x1f\x8b"
END: Final = "end.json"
_LEVEL: Final = 6
_MAX_MEMBER: Final = 256 * 1024 * 1024
"""Bytes of one member: rows are written in members of about one megabyte."""
_BROKEN: Final = (
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
)
"""Errors that these libraries raise for an archive that isn't one any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """One file in the archive."""

    name: str
    content: bytes

    def json(self) -> Any:
        """Return the JSON that it holds."""
        return json.loads(self.content)


class ArchiveWriter:
    """Writes members into *file*, and at the end the checksum."""

    def __init__(self, file: BinaryIO, *, timestamp: int) -> None:
        self._gzip = gzip.GzipFile("", "wb", _LEVEL, file, mtime=timestamp)
        self._tar = tarfile.open(  # noqa: SIM115 - closed by finish
            fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT
        )
        self._timestamp = timestamp
        self._digest = _Digest()

    def add(self, name: str, content: bytes) -> None:
        """Add a member."""
        self._digest.add(name, content)
        self._write(name, content)

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the last member, with *facts* and the checksum of all before."""
        self._write(END, to_json(facts | {"sha256": self._digest.hex()}))
        self._tar.close()
        self._gzip.close()

    def close(self) -> None:
        """Close an archive that isn't finished; else tarfile writes to a file that is closed."""
        for part in (self._tar, self._gzip):
            with suppress(OSError):
                part.close()

    def _write(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = len(content), 0o600, self._timestamp
        self._tar.addfile(info, io.BytesIO(content))


def read_members(file: BinaryIO) -> Iterator[ArchivedFile]:
    """Yield every member of the archive in *file*; the last one is the end, and it was verified.

    Raises:
        DamagedBackup: as soon as something isn't as it was written.
    """
    digest = _Digest()
    try:
        with gzip.GzipFile(fileobj=file) as unzipped:
            for member in _members(unzipped):
                if member.name == END:
                    _check_end(member, digest, unzipped)
                    yield member
                    return
                digest.add(member.name, member.content)
                yield member
    except _BROKEN:
        raise DamagedBackup from None
    raise DamagedBackup


def _members(unzipped: gzip.GzipFile) -> Iterator[ArchivedFile]:
    with tarfile.open(fileobj=cast("Any", unzipped), mode="r|") as tar:
        for info in tar:
            content = tar.extractfile(info) if info.isreg() and info.size <= _MAX_MEMBER else None
            if content is None:
                raise DamagedBackup
            yield ArchivedFile(name=info.name, content=content.read())


def _check_end(end: ArchivedFile, digest: _Digest, unzipped: gzip.GzipFile) -> None:
    """Compare the checksum, and read the padding that follows, so that gzip's own is compared."""
    if end.json()["sha256"] != digest.hex():
        raise DamagedBackup
    while padding := unzipped.read(1024 * 1024):
        if padding.strip(b"\0"):
            raise DamagedBackup


class _Digest:
    """The SHA-256 of names and contents, of which no two lists look the same."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        self._hash.update(f"{len(name)} {len(content)} {name}".encode())
        self._hash.update(content)

    def hex(self) -> str:
        return self._hash.hexdigest()


def to_json(value: Any) -> bytes:
    """Return *value* as one line of JSON in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
