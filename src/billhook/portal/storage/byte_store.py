"""The two places for the bytes of shared files: the database, and S3-compatible storage."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, Protocol

from billhook.portal.storage.access import chunks_of
from billhook.portal.storage.models import StoredFile
from billhook.portal.storage.services import delete_files, save_file

_AT_ONCE: Final = 8
"""Chunks written or read with one statement: about two megabytes."""


class BytesAway(Exception):
    """The storage can't be reached, refuses what is asked, or has lost the bytes."""


class ByteStore(Protocol):
    """Keeps the sealed bytes of files whose rows are in the database."""

    def write(self, file: StoredFile, sealed: Iterator[bytes]) -> None:
        """Store the new row *file* and its bytes, both or neither."""
        ...

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the head and the chunks of *file* as they were given."""
        ...

    def delete(self, files: Collection[StoredFile]) -> None:
        """Delete *files*: bytes and rows."""
        ...


class DatabaseBytes:
    """Bytes in the database, in chunks."""

    def write(self, file: StoredFile, sealed: Iterator[bytes]) -> None:
        """Store row and chunks in one transaction."""
        save_file(file, sealed, at_once=_AT_ONCE)

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the chunks."""
        return chunks_of(file, at_once=_AT_ONCE)

    def delete(self, files: Collection[StoredFile]) -> None:
        """Delete the rows, with their chunks."""
        delete_files(files)
