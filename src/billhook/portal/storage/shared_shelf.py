"""A shelf that all nodes share: rows in the database, bytes there or in S3-compatible storage."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO, Final

import structlog
from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.utils import timezone

from billhook.engine.body import Body, collect, open_unnamed
from billhook.engine.errors import NoRoom
from billhook.portal.installation.logs import Seldom, name_of
from billhook.portal.storage.access import (
    bytes_on,
    expired_files,
    file_of,
    rows_by_name,
    unexpired_files,
)
from billhook.portal.storage.byte_store import BytesAway, ByteStore
from billhook.portal.storage.fair_files import FairFiles, SizedFile
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.known_notes import KnownNotes
from billhook.portal.storage.models import StoredFile
from billhook.portal.storage.sealing import HEAD_BYTES, FilePlace, SealBroken, seal, unseal
from billhook.portal.storage.services import save_note
from billhook.portal.storage.shelf import (
    MAX_BYTES,
    FileGone,
    Holder,
    ShelfFull,
    is_name,
    new_name,
    note_name,
)
from billhook.portal.storage.threads import let_old_connection_go

log = structlog.get_logger("billhook.storage")

_COUNT_EVERY: Final = 30.0
"""Seconds for which the size of the shelf is known well enough: then it is looked up again."""
_SWEEP_AFTER: Final = 60.0
"""Seconds after a file was stored: a sweep follows then, and others as long as there are files."""
_FREED_MORE: Final = 16
"""A full shelf frees a sixteenth of its space at once, since that reads all of its rows."""
_AT_ONCE: Final = 200
_say = Seldom(30.0)


class SharedShelf:
    """A :class:`~billhook.portal.storage.shelf.Shelf` for all nodes.

    *copies* are those of this node: a file that was opened here once is opened there.
    """

    has_quick_notes = False

    def __init__(
        self,
        name: str,
        *,
        store: ByteStore,
        copies: FolderShelf,
        kept_seconds: float,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._name = name
        self._store = store
        self._copies = copies
        self._kept = timedelta(seconds=kept_seconds)
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._counted_at = float("-inf")
        self._bytes = 0
        self._timer: threading.Timer | None = None
        self._notes = KnownNotes(name, kept_seconds=kept_seconds)

    def follow(self) -> None:
        """Learn of the notes that other processes have written since the last time."""
        self._notes.follow()

    def may_have_note(self, name: str, holder: Holder) -> bool:
        """Return False if there is surely no note *name* of *holder*."""
        return self._notes.may_have(note_name(name, holder))

    def hold(self, body: Body, holder: Holder) -> str:
        """Store *body*; see :class:`~billhook.portal.storage.shelf.Shelf`."""
        name = new_name(holder)
        with _full_if_away():
            self._make_room(body.size)
            file = self._row(name, holder.organisation_id, size=body.size)
            self._store.write(file, seal(body.blocking_chunks(), _place_of(file)))
        with contextlib.suppress(ShelfFull):
            self._copies.hold(body, holder, name=name)
        self._sweep_later()
        return name

    def has_file(self, name: str, organisation_id: str) -> bool:
        """Return whether there is a file *name*."""
        if not is_name(name, organisation_id):
            return False
        with contextlib.suppress(FileGone), _gone_if_away():
            return (
                self._copies.has_file(name, organisation_id)
                or self._rows(name, organisation_id).exists()
            )
        return False

    def open_file(self, name: str, organisation_id: str) -> BinaryIO:
        """Return the file *name* for reading, or raise FileGone."""
        with contextlib.suppress(FileGone):
            return self._copies.open_file(name, organisation_id)
        if not is_name(name, organisation_id):
            raise FileGone
        with _gone_if_away():
            file = self._rows(name, organisation_id).first()
            if file is None:
                raise FileGone
            body = collect(unseal(self._store.read(file), _place_of(file)))
        return self._copied(file, body)

    def touch(self, name: str, organisation_id: str) -> None:
        """Hold the file *name* as long as one that begins now."""
        self._copies.touch(name, organisation_id)
        with contextlib.suppress(FileGone), _gone_if_away():
            now = timezone.now()
            self._rows(name, organisation_id).update(stored_at=now, expires_at=now + self._kept)

    def remove(self, name: str, organisation_id: str) -> None:
        """Delete the file *name*, if it is there."""
        self._copies.remove(name, organisation_id)
        if is_name(name, organisation_id):
            self._remove(name, organisation_id)

    def write_note(self, name: str, content: bytes, holder: Holder) -> None:
        """Store *content* under *name*, replacing what is there."""
        row = self._row(note_name(name, holder), holder.organisation_id, size=len(content))
        row.note = b"".join(seal([content], _place_of(row)))
        with _full_if_away():
            self._make_room(row.size)
            save_note(row)
        self._notes.add(row)
        self._sweep_later()

    def read_note(self, name: str, holder: Holder) -> bytes | None:
        """Return the note *name* of *holder*, or None."""
        with contextlib.suppress(FileGone), _gone_if_away():
            row = self._rows(note_name(name, holder), holder.organisation_id).first()
            if row is not None and row.note is not None:
                return b"".join(unseal(_parts_of(bytes(row.note)), _place_of(row)))
        return None

    def remove_note(self, name: str, holder: Holder) -> None:
        """Delete the note *name* of *holder*, if it is there."""
        self._remove(note_name(name, holder), holder.organisation_id)

    def sweep(self) -> int:
        """Delete what has expired, and what is beyond the limit; return the bytes that are left."""
        self._copies.sweep()
        with contextlib.suppress(ShelfFull), _full_if_away():
            self._delete_expired()
            with self._lock:
                self._count()
                if self._bytes > self._max_bytes:
                    self._free(0)
        return self._bytes

    def close(self) -> None:
        """Stop the timers. The files stay, for other nodes."""
        self._copies.close()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _row(self, name: str, organisation_id: str, *, size: int) -> StoredFile:
        now = timezone.now()
        return StoredFile(
            shelf=self._name,
            name=name,
            organisation_id=organisation_id,
            size=size,
            stored_at=now,
            expires_at=now + self._kept,
        )

    def _rows(self, name: str, organisation_id: str) -> QuerySet[StoredFile]:
        return file_of(self._name, name, organisation_id)

    def _remove(self, name: str, organisation_id: str) -> None:
        with contextlib.suppress(FileGone), _gone_if_away():
            self._store.delete(list(self._rows(name, organisation_id)))

    def _copied(self, file: StoredFile, body: Body) -> BinaryIO:
        """Return a file with the bytes of *body*: this node's copy, unless its disk is full."""
        with body:
            holder = Holder(user_id="", subject="", organisation_id=file.organisation_id)
            with contextlib.suppress(ShelfFull, FileGone):
                at = file.stored_at.timestamp()
                self._copies.hold(body, holder, name=file.name, stored_at=at)
                return self._copies.open_file(file.name, file.organisation_id)
            return _unnamed(body)

    def _make_room(self, size: int) -> None:
        with self._lock:
            if time.monotonic() - self._counted_at > _COUNT_EVERY:
                self._count()
            if self._bytes + size > self._max_bytes:
                self._free(size)
            if self._bytes + size > self._max_bytes:
                raise ShelfFull
            self._bytes += size

    def _count(self) -> None:
        self._bytes = bytes_on(self._name)
        self._counted_at = time.monotonic()

    def _delete_expired(self) -> None:
        while rows := expired_files(self._name, most=_AT_ONCE):
            self._store.delete(rows)

    def _sweep_later(self) -> None:
        """Schedule a sweep in a thread, so that no caller waits for the end of others' files."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(_SWEEP_AFTER, self._sweep_by_timer)
                self._timer.daemon = True
                self._timer.start()

    def _sweep_by_timer(self) -> None:
        with self._lock:
            self._timer = None
        try:
            if self.sweep():
                self._sweep_later()
        finally:
            connections.close_all()

    def _free(self, room_for: int) -> None:
        rows = unexpired_files(self._name)
        kept = FairFiles(
            SizedFile(stored_at.timestamp(), size, name)
            for stored_at, size, name in rows.values_list("stored_at", "size", "name")
        )
        wanted = self._max_bytes - self._max_bytes // _FREED_MORE
        names = []
        while kept.size and kept.size + room_for > wanted:
            names.append(kept.take_next())
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            self._store.delete(rows_by_name(self._name, some))
        self._bytes = kept.size


def _place_of(file: StoredFile) -> FilePlace:
    return FilePlace(shelf=file.shelf, name=file.name, organisation_id=file.organisation_id)


def _parts_of(note: bytes) -> Iterator[bytes]:
    yield note[:HEAD_BYTES]
    yield note[HEAD_BYTES:]


def _unnamed(body: Body) -> BinaryIO:
    try:
        file = open_unnamed()
        for chunk in body.blocking_chunks():
            file.write(chunk)
        file.seek(0)
    except (NoRoom, OSError):
        raise FileGone from None
    return file


@contextlib.contextmanager
def _full_if_away() -> Iterator[None]:
    """Raise ShelfFull when database or storage fail, and log why."""
    let_old_connection_go()
    try:
        yield
    except (DatabaseError, BytesAway) as error:
        _report(error)
        raise ShelfFull from None


@contextlib.contextmanager
def _gone_if_away() -> Iterator[None]:
    """Raise FileGone when database or storage fail or the bytes aren't the file's; log why."""
    let_old_connection_go()
    try:
        yield
    except (DatabaseError, BytesAway, SealBroken, NoRoom) as error:
        _report(error)
        raise FileGone from None


def _report(error: Exception) -> None:
    if _say.now():
        code = str(error) if isinstance(error, BytesAway) else name_of(error)
        log.warning("storage-failed", error=code)
