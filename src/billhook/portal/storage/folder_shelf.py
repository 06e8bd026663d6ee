"""A shelf in a folder of this machine, for one node; also the copies that a node keeps of files."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from billhook.engine.body import Body
from billhook.portal.installation.data_folder import make_folder
from billhook.portal.storage.fair_files import FairFiles, SizedFile
from billhook.portal.storage.shelf import (
    MARK_LENGTH,
    MAX_BYTES,
    FileGone,
    Holder,
    ShelfFull,
    is_name,
    new_name,
    note_name,
)

_SWEEP_EVERY: Final = 30
_DRAFT: Final = ".draft"


class FolderShelf:
    """A :class:`~billhook.portal.storage.shelf.Shelf` whose files only we can read.

    The threads and processes of this machine share it.
    """

    has_quick_notes = True

    def __init__(self, folder: Path, *, kept_seconds: float, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._kept_seconds = kept_seconds
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._swept_at = float("-inf")
        self._bytes = 0
        self._timer: threading.Timer | None = None

    def hold(
        self, body: Body, holder: Holder, *, name: str = "", stored_at: float | None = None
    ) -> str:
        """Store *body*; see :class:`~billhook.portal.storage.shelf.Shelf`.

        With *name*, that is the file's name: it has the same bytes on another node. With
        *stored_at*, in seconds since 1970, its time began there.
        """
        name = name or new_name(holder)
        self._make_room(body.size)
        self._write(name, body.blocking_chunks(), stored_at=stored_at)
        self._sweep_later()
        return name

    def has_file(self, name: str, organisation_id: str) -> bool:
        """Return whether there is a file *name*."""
        return is_name(name, organisation_id) and (self._folder / name).is_file()

    def open_file(self, name: str, organisation_id: str) -> BinaryIO:
        """Return the file *name* for reading, or raise FileGone."""
        if not is_name(name, organisation_id):
            raise FileGone
        try:
            return (self._folder / name).open("rb")
        except OSError:
            raise FileGone from None

    def touch(self, name: str, organisation_id: str) -> None:
        """Hold the file *name* as long as one that begins now."""
        if is_name(name, organisation_id):
            with contextlib.suppress(OSError):
                os.utime(self._folder / name)

    def remove(self, name: str, organisation_id: str) -> None:
        """Delete the file *name*, if it is there."""
        if is_name(name, organisation_id):
            (self._folder / name).unlink(missing_ok=True)

    def may_have_note(self, name: str, holder: Holder) -> bool:
        """Return whether there is a note *name* of *holder*."""
        return (self._folder / note_name(name, holder)).is_file()

    def write_note(self, name: str, content: bytes, holder: Holder) -> None:
        """Store *content* under *name*, replacing what is there."""
        self._make_room(len(content))
        self._write(note_name(name, holder), [content])
        self._sweep_later()

    def read_note(self, name: str, holder: Holder) -> bytes | None:
        """Return the note *name* of *holder*, or None."""
        try:
            return (self._folder / note_name(name, holder)).read_bytes()
        except OSError:
            return None

    def remove_note(self, name: str, holder: Holder) -> None:
        """Delete the note *name* of *holder*, if it is there."""
        (self._folder / note_name(name, holder)).unlink(missing_ok=True)

    def sweep(self, *, room_for: int = 0) -> int:
        """Delete expired files, then others until *room_for* bytes fit; return the rest.

        A reader that has a file open can still read it to its end.
        """
        make_folder(self._folder)
        with self._lock:
            self._swept_at = time.monotonic()
            oldest_end = time.time() - self._kept_seconds
            files = sorted(_files_in(self._folder))
            expired = [each for each in files if each.stored_at <= oldest_end]
            kept = FairFiles(files[len(expired) :])
            for file in expired:
                (self._folder / file.name).unlink(missing_ok=True)
            while kept.size and kept.size + room_for > self._max_bytes:
                (self._folder / kept.take_next()).unlink(missing_ok=True)
            self._bytes = kept.size
            return self._bytes

    def close(self) -> None:
        """Stop the timer. The files stay, for other processes."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _write(self, name: str, chunks: Iterable[bytes], *, stored_at: float | None = None) -> None:
        """Write a file that has all of its bytes as soon as it has its name."""
        draft = self._folder / f"{name[: 2 * MARK_LENGTH]}{secrets.token_urlsafe(18)}{_DRAFT}"
        try:
            with _new_private_file(draft) as file:
                for chunk in chunks:
                    file.write(chunk)
            if stored_at is not None:
                os.utime(draft, (stored_at, stored_at))
            draft.replace(self._folder / name)
        except BaseException as error:
            draft.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise ShelfFull from error
            raise

    def _make_room(self, size: int) -> None:
        with self._lock:
            is_due = time.monotonic() - self._swept_at > _SWEEP_EVERY
            if is_due or self._bytes + size > self._max_bytes:
                self.sweep(room_for=size)
            if self._bytes + size > self._max_bytes:
                raise ShelfFull
            self._bytes += size

    def _sweep_later(self) -> None:
        """Schedule the next sweep, so that no file stays long even if none follows it."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._kept_seconds + 1, self._sweep_by_timer)
                self._timer.daemon = True
                self._timer.start()

    def _sweep_by_timer(self) -> None:
        with self._lock:
            self._timer = None
        if self.sweep():
            self._sweep_later()


def _new_private_file(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _files_in(folder: Path) -> Iterator[SizedFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                facts = entry.stat(follow_symlinks=False)
                yield SizedFile(facts.st_mtime, facts.st_size, entry.name)
