"""Documents kept for the next click, for all nodes: bounded in size and age.

A kept document belongs to a subject (an integration, its command, an invoice, and the contact if
the request names them) in one state (the configuration, the invoice's version, and all values that
were sent). In another state it is dropped, so it can't outlive what it was fetched with.
"""

from __future__ import annotations

import contextlib
import functools
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Final

from billhook.engine.answer.document import Document
from billhook.engine.body import MEMORY_LIMIT, Body
from billhook.portal.installation import environment
from billhook.portal.storage.shelf import FileGone, Holder, Shelf, ShelfFull
from billhook.portal.storage.shelves import open_shelf
from billhook.portal.storage.threads import in_storage_thread

_PART_FOR_ONE: Final = 4
"""No document takes more than a quarter of the room: else two of them push out all others."""
_PART_FOR_CONFIRMING: Final = 1 / 4
"""A confirmation is written when the last one is older than this part of the fresh time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """The key of a kept document: two digests that reveal nothing, and whose space it takes."""

    subject: str
    state: str
    organisation_id: str

    @property
    def holder(self) -> Holder:
        """The holder of its document: the organisation."""
        return Holder(user_id="", subject="", organisation_id=self.organisation_id)


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
    """The kept documents on *shelf*, shared by threads, processes and nodes.

    For *fresh_seconds*, a kept document may be shown without asking the source, if the integration
    allows that; after twice that time it is deleted. With *max_bytes* 0, nothing is kept.
    """

    def __init__(self, shelf: Shelf, *, max_bytes: int, fresh_seconds: float) -> None:
        self._shelf = shelf
        self._max_bytes = max_bytes
        self._fresh_seconds = fresh_seconds

    @property
    def is_on(self) -> bool:
        """Whether documents are kept at all."""
        return self._max_bytes > 0

    def is_fresh(self, kept: Kept) -> bool:
        """Return whether *kept* may be shown without asking the source."""
        return 0 <= time.time() - kept.confirmed_at <= self._fresh_seconds

    async def look(self, key: CacheKey) -> Kept | None:
        """Return the document kept for *key*. One in another state, or too old, is deleted."""
        if not self._shelf.may_have_note(key.subject, key.holder):
            return None
        if self._shelf.has_quick_notes:
            return self.look_now(key)
        return await in_storage_thread(self.look_now, key)

    def look_now(self, key: CacheKey) -> Kept | None:
        """Return the same as :meth:`look`. For a thread."""
        kept = self._read(key)
        if kept is None:
            return None
        is_old = not 0 <= time.time() - kept.confirmed_at <= 2 * self._fresh_seconds
        if kept.state != key.state or is_old:
            self.drop(key)
            return None
        return kept

    def open(self, kept: Kept, key: CacheKey) -> Body | None:
        """Return the bytes of *kept*; None if they are gone already. For a thread."""
        try:
            file = self._shelf.open_file(kept.file, key.organisation_id)
        except FileGone:
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
        with contextlib.suppress(ShelfFull):
            kept = Kept(
                state=key.state,
                file=self._shelf.hold(document.body, key.holder),
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
                self._shelf.remove(before.file, key.organisation_id)

    def confirm(self, key: CacheKey, kept: Kept) -> None:
        """Note that the source has just said that *kept* is still the same.

        That is written only once in a while, since it only makes the document stay longer.
        """
        now = time.time()
        if now - kept.confirmed_at < self._fresh_seconds * _PART_FOR_CONFIRMING:
            return
        with contextlib.suppress(ShelfFull):
            self._shelf.touch(kept.file, key.organisation_id)
            self._write(key, replace(kept, confirmed_at=now))

    def drop(self, key: CacheKey) -> None:
        """Delete the document kept for the subject of *key*, whatever its state."""
        kept = self._read(key)
        self._shelf.remove_note(key.subject, key.holder)
        if kept is not None:
            self._shelf.remove(kept.file, key.organisation_id)

    def sweep(self) -> int:
        """Delete old documents, and those beyond the limit. Return the bytes that are left."""
        return self._shelf.sweep()

    def close(self) -> None:
        """Stop the timer that sweeps."""
        self._shelf.close()

    def _read(self, key: CacheKey) -> Kept | None:
        note = self._shelf.read_note(key.subject, key.holder)
        try:
            return None if note is None else Kept(**json.loads(note))
        except (ValueError, TypeError):
            return None

    def _write(self, key: CacheKey, kept: Kept) -> None:
        self._shelf.write_note(key.subject, json.dumps(asdict(kept)).encode(), key.holder)


@functools.cache
def document_cache() -> DocumentCache:
    """Return the cache of this installation."""
    settings = environment.current()
    max_bytes, fresh = settings.cache_bytes, settings.cache_seconds
    return DocumentCache(
        open_shelf("cache", kept_seconds=2 * fresh, max_bytes=max_bytes),
        max_bytes=max_bytes,
        fresh_seconds=fresh,
    )
