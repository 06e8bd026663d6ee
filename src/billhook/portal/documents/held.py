"""A document that was just fetched and checked, held for a few minutes for one person.

So the pages on the screen and the file that is downloaded next are the same bytes, and the other
system is asked only once. A held document is a file in the data folder with a random name; a signed
token identifies it, with its kind and the person it is for. All server processes share the folder.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from django.core import signing

from billhook.engine.body import Body
from billhook.portal.installation.data_folder import data_path, make_folder

KEPT_SECONDS: Final = 600
UPLOAD_KEPT_SECONDS: Final = 3600
MAX_BYTES: Final = 1024 * 1024 * 1024
"""Bytes of all held documents together; the oldest make room."""
_SWEEP_EVERY: Final = 30
_SALT: Final = "billhook.held"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{32}")


class DocumentGone(Exception):
    """The document is no longer held, or not for this person: it must be fetched again."""


class ShelfFull(Exception):
    """The document is larger than all that may be held, or the disk is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """For whom a document is held: this user, looking at this subject (``invoice:ID``)."""

    user_id: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The facts of a held document. ``file_name`` comes from our own record."""

    name: str
    user_id: str
    subject: str
    run_id: str
    media_type: str
    file_name: str
    size: int
    fetched_at: float
    """Seconds since 1970."""

    @property
    def fetched(self) -> datetime:
        """The time at which it was fetched, in UTC."""
        return datetime.fromtimestamp(self.fetched_at, UTC)

    def token(self) -> str:
        """Return a signed text that identifies this document in a URL, for ``KEPT_SECONDS``."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)


def read_token(token: str, holder: Holder, *, kept_seconds: int = KEPT_SECONDS) -> Held:
    """Return the document of *token* if it was issued to *holder*; else raise DocumentGone."""
    try:
        held = Held(**signing.loads(token, salt=_SALT, max_age=kept_seconds))
    except (signing.BadSignature, TypeError):
        raise DocumentGone from None
    if (held.user_id, held.subject) != (holder.user_id, holder.subject):
        raise DocumentGone
    return held


class Shelf:
    """The folder of held documents, shared by threads and processes."""

    def __init__(
        self, folder: Path, *, kept_seconds: float = KEPT_SECONDS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._folder = folder
        self._kept_seconds = kept_seconds
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._swept_at = float("-inf")
        self._bytes = 0
        self._timer: threading.Timer | None = None

    def hold(self, body: Body) -> str:
        """Write *body* into a file that only we can read, and return its name.

        Raises:
            ShelfFull: if there is no space for so many bytes.
        """
        self._make_room(body.size)
        name = secrets.token_urlsafe(24)
        path = self._folder / name
        try:
            with _new_private_file(path) as file:
                for piece in body.blocking_chunks():
                    file.write(piece)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise ShelfFull from error
            raise
        self._sweep_later()
        return name

    def has(self, held: Held) -> bool:
        """Return whether the document is still there."""
        return bool(_NAME.fullmatch(held.name)) and (self._folder / held.name).is_file()

    def open(self, held: Held) -> BinaryIO:
        """Return the document's file for reading, or raise :class:`DocumentGone`."""
        try:
            return self.open_file(held.name)
        except OSError:
            raise DocumentGone from None

    def open_file(self, name: str) -> BinaryIO:
        """Return the file *name* for reading; raise OSError if it doesn't exist."""
        if not _NAME.fullmatch(name):
            raise FileNotFoundError
        return (self._folder / name).open("rb")

    def remove(self, name: str) -> None:
        """Delete the file *name*, if it is there."""
        if _NAME.fullmatch(name):
            (self._folder / name).unlink(missing_ok=True)

    def sweep(self, *, room_for: int = 0) -> int:
        """Delete expired documents, then the oldest until *room_for* bytes fit; return the rest.

        A reader that has a file open can still read it to its end.
        """
        make_folder(self._folder)
        with self._lock:
            self._swept_at = time.monotonic()
            oldest_end = time.time() - self._kept_seconds
            files = sorted(_files_in(self._folder))
            self._bytes = sum(size for _, size, _ in files)
            for modified_at, size, path in files:
                if modified_at > oldest_end and self._bytes + room_for <= self._max_bytes:
                    break
                path.unlink(missing_ok=True)
                self._bytes -= size
            return self._bytes

    def _make_room(self, size: int) -> None:
        with self._lock:
            is_due = time.monotonic() - self._swept_at > _SWEEP_EVERY
            if is_due or self._bytes + size > self._max_bytes:
                self.sweep(room_for=size)
            if self._bytes + size > self._max_bytes:
                raise ShelfFull
            self._bytes += size

    def _sweep_later(self) -> None:
        """Schedule the next sweep, so that no document stays long even if none follows it."""
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

    def close(self) -> None:
        """Stop the timer. Held documents stay, for other processes."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None


@functools.cache
def shelf() -> Shelf:
    """Return the shelf of documents, in the data folder."""
    return Shelf(data_path("held"))


@functools.cache
def uploads() -> Shelf:
    """Return the shelf of files that a member is about to import: an hour for looking at them."""
    return Shelf(data_path("uploads"), kept_seconds=UPLOAD_KEPT_SECONDS)


def sweep_left_behind() -> None:
    """Delete expired documents of an earlier start, when a server starts."""
    shelf().sweep()
    uploads().sweep()


def _new_private_file(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _files_in(folder: Path) -> Iterator[tuple[float, int, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                facts = entry.stat(follow_symlinks=False)
                yield facts.st_mtime, facts.st_size, Path(entry.path)
