"""The bytes of a response: in memory while few, else in a temporary file without a name."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

from billhook.engine.errors import NoRoom

MEMORY_LIMIT: Final = 1_000_000
"""Up to so many bytes stay in memory."""

_CHUNK: Final = 256 * 1024


class Body:
    """A response's bytes, all of them. Close it when done; it is a context manager, too.

    A body in a file takes its place on the disk until it is closed; as the file has no name,
    nothing is left of it after a crash either. ``size`` stays known after closing.
    """

    __slots__ = ("_closed", "_data", "_file", "size")

    def __init__(self, data: bytes = b"", *, file: BinaryIO | None = None) -> None:
        self._data = data
        self._file = file
        self._closed = False
        self.size = len(data) if file is None else os.fstat(file.fileno()).st_size

    @property
    def in_memory(self) -> bool:
        """Whether the bytes are in memory rather than in a file."""
        return self._file is None

    @property
    def descriptor(self) -> int | None:
        """The descriptor of its file; None if it is in memory."""
        return None if self._file is None else self._file.fileno()

    def head(self, count: int) -> bytes:
        """Return the first *count* bytes, or fewer if there aren't so many."""
        return self._at(0, min(count, self.size))

    def tail(self, count: int) -> bytes:
        """Return the last *count* bytes, or fewer if there aren't so many."""
        count = min(count, self.size)
        return self._at(self.size - count, count)

    def read(self) -> bytes:
        """Return all bytes at once. For a large body :meth:`chunks` needs less memory."""
        return self._at(0, self.size)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the bytes in order, in chunks of at most 256 KiB, without blocking the loop."""
        if self._file is None:
            if self.size:
                yield self.read()
            return
        for start in range(0, self.size, _CHUNK):
            yield await asyncio.to_thread(self._at, start, min(_CHUNK, self.size - start))

    def blocking_chunks(self) -> Iterator[bytes]:
        """Give the bytes in order, in chunks of at most 256 KiB, reading the disk: use a thread."""
        for start in range(0, self.size, _CHUNK):
            yield self._at(start, min(_CHUNK, self.size - start))

    def sha256(self) -> str:
        """Return the SHA-256 of the bytes, in hexadecimal."""
        digest = hashlib.sha256()
        for chunk in self.blocking_chunks():
            digest.update(chunk)
        return digest.hexdigest()

    def close(self) -> None:
        """Let go of the bytes: the memory or the disk's space is free again."""
        self._closed = True
        self._data = b""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Body({self.size} bytes)"

    def _at(self, start: int, count: int) -> bytes:
        if self._closed:
            raise ValueError("this body is closed: read it before")
        if self._file is None:
            return self._data if count == len(self._data) else self._data[start : start + count]
        return os.pread(self._file.fileno(), count, start)


def collect(chunks: Iterable[bytes]) -> Body:
    """Return the body of *chunks*; a large one is written to the disk: use a thread."""
    waiting, size = [], 0
    chunks = iter(chunks)
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size > MEMORY_LIMIT:
            return _collect_in_file(chain(waiting, chunks))
    return Body(b"".join(waiting))


def adopt(file: BinaryIO) -> Body:
    """Return the body of what was written to *file*: in memory while few, as any other."""
    body = Body(file=file)
    if body.size > MEMORY_LIMIT:
        return body
    with body:
        return Body(body.read())


def _collect_in_file(chunks: Iterable[bytes]) -> Body:
    file = open_unnamed()
    try:
        for chunk in chunks:
            _write_all(file, chunk)
    except BaseException:
        file.close()
        raise
    return Body(file=file)


class BodyWriter:
    """Takes the bytes of a response as they come, and makes a :class:`Body` of them.

    Writes to the disk happen in a thread, a megabyte at a time, so the loop never waits for them.
    """

    __slots__ = ("_chunks", "_file", "_folder", "_waiting", "size")

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._file: BinaryIO | None = None
        self.size = 0

    async def add(self, chunk: bytes) -> None:
        """Take the next *chunk*; this waits only while a full megabyte goes to the disk."""
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        self.size += len(chunk)
        if self._waiting > MEMORY_LIMIT:
            await self._flush()

    async def finish(self) -> Body:
        """Return the body. The writer has let go of it then."""
        if self._file is None:
            return Body(self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks))
        await self._flush()
        file, self._file = self._file, None
        return Body(file=file)

    def close(self) -> None:
        """Throw away what has come so far. After :meth:`finish` this does nothing."""
        self._chunks = []
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _flush(self) -> None:
        chunks, self._chunks, self._waiting = self._chunks, [], 0
        # Shielded: if the run is given up now, the file must not be closed under the thread.
        writing = asyncio.ensure_future(asyncio.to_thread(self._write, chunks))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    def _write(self, chunks: list[bytes]) -> None:
        if self._file is None:
            self._file = open_unnamed(self._folder)
        for chunk in chunks:
            _write_all(self._file, chunk)


def open_unnamed(folder: Path | None = None) -> BinaryIO:
    """Open a file that disappears when it is closed; the caller closes it."""
    try:
        return cast("BinaryIO", tempfile.TemporaryFile(dir=folder, buffering=0))
    except OSError:
        raise NoRoom from None


def _write_all(file: BinaryIO, chunk: bytes) -> None:
    """Write all of *chunk*: an unbuffered file may take less at a time."""
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        raise NoRoom from None
