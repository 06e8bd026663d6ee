"""Documents kept for the next click, in the data folder: bounded in size and age.

A kept document belongs to a subject (an integration, its command, an invoice, and the contact if
the request names them) in one state (the configuration, the invoice's version, and all values that
were sent). In another state it is dropped, so it can't outlive what it was fetched with.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from billhook.engine.answer.document import Document
from billhook.engine.body import MEMORY_LIMIT, Body
from billhook.portal.documents.held import Shelf, ShelfFull
from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path

_PART_FOR_ONE: Final = 4
"""No document takes more than a quarter of the room: else two of them push out all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """The key of a kept document: two digests that reveal nothing."""

    subject: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A kept document. ``request`` is a digest of the request that returned it.

    ``etag`` is the source's ETag for that response, if any. Times are in seconds since 1970; at
    ``confirmed_at`` the source last confirmed that the document hasn't changed.
    """

    state: str
    file: str
    media_type: str
    extension: str
    name: str | None
    etag: str
    request: str
    fetched_at: float
    confirmed_at: float

    def document(self, body: Body) -> Document:
        """Return the document with its *body*."""
        return Document(
            media_type=self.media_type, extension=self.extension, name=self.name, body=body
        )


class DocumentCache:
    """The folder of kept documents, shared by threads and processes.

    For *fresh_seconds*, a kept document may be shown without asking the source, if the integration
    allows that; after twice that time it is deleted. With *max_bytes* 0, nothing is kept.
    """

    def __init__(self, folder: Path, *, max_bytes: int, fresh_seconds: float) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._fresh_seconds = fresh_seconds
        self._shelf = Shelf(folder, kept_seconds=2 * fresh_seconds, max_bytes=max_bytes)

    @property
    def is_on(self) -> bool:
        """Whether documents are kept at all."""
        return self._max_bytes > 0

    def is_fresh(self, kept: Kept) -> bool:
        """Return whether *kept* may be shown without asking the source."""
        return 0 <= time.time() - kept.confirmed_at <= self._fresh_seconds

    def look(self, key: CacheKey) -> Kept | None:
        """Return the document kept for *key*. One in another state, or too old, is deleted.

        It reads at most a few hundred bytes, so it may be called on the event loop.
        """
        kept = self._read(key)
        if kept is None:
            return None
        is_old = not 0 <= time.time() - kept.confirmed_at <= 2 * self._fresh_seconds
        if kept.state != key.state or is_old:
            self.drop(key)
            return None
        return kept

    def open(self, kept: Kept) -> Body | None:
        """Return the bytes of *kept*; None if they are gone already. For a thread."""
        try:
            file = self._shelf.open_file(kept.file)
        except OSError:
            return None
        body = Body(file=file)
        if body.size > MEMORY_LIMIT:
            return body
        with body:
            return Body(body.read())

    def put(self, key: CacheKey, document: Document, *, etag: str, request: str) -> None:
        """Keep a copy of *document*, which stays open. If there is no space, nothing is kept."""
        if document.size > self._max_bytes // _PART_FOR_ONE:
            return
        before, now = self._read(key), time.time()
        with contextlib.suppress(ShelfFull, OSError):
            kept = Kept(
                state=key.state,
                file=self._shelf.hold(document.body),
                media_type=document.media_type,
                extension=document.extension,
                name=document.name,
                etag=etag,
                request=request,
                fetched_at=now,
                confirmed_at=now,
            )
            self._write(key, kept)
            if before is not None:
                self._shelf.remove(before.file)

    def confirm(self, key: CacheKey, kept: Kept) -> None:
        """Note that the source has just said that *kept* is still the same."""
        with contextlib.suppress(OSError):
            os.utime(self._folder / kept.file)
            self._write(key, replace(kept, confirmed_at=time.time()))

    def drop(self, key: CacheKey) -> None:
        """Delete the document kept for the subject of *key*, whatever its state."""
        kept = self._read(key)
        self._facts(key).unlink(missing_ok=True)
        if kept is not None:
            self._shelf.remove(kept.file)

    def sweep(self) -> int:
        """Delete old documents, and those beyond the limit. Return the bytes that are left."""
        return self._shelf.sweep()

    def close(self) -> None:
        """Stop the timer that sweeps."""
        self._shelf.close()

    def _facts(self, key: CacheKey) -> Path:
        return self._folder / f"{key.subject}.json"

    def _read(self, key: CacheKey) -> Kept | None:
        try:
            return Kept(**json.loads(self._facts(key).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, key: CacheKey, kept: Kept) -> None:
        """Write the facts atomically: a reader finds the old ones or the new ones."""
        name = self._shelf.hold(Body(json.dumps(asdict(kept)).encode()))
        (self._folder / name).replace(self._facts(key))


@functools.cache
def document_cache() -> DocumentCache:
    """Return the cache of this installation."""
    settings = environment.current()
    return DocumentCache(
        data_path("cache"),
        max_bytes=settings.cache_bytes,
        fresh_seconds=settings.cache_seconds,
    )
