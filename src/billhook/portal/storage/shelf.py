"""A shelf: files that are held for a while, each under a name that can't be guessed."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from billhook.engine.body import Body

MAX_BYTES: Final = 1024 * 1024 * 1024
"""Bytes of all files on a shelf together, unless it has another limit."""
MARK_LENGTH: Final = 4
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{32}")
_NOTE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{32,64}")


class ShelfFull(Exception):
    """A file can't be held: it is larger than the shelf, or the storage is full or away."""


class FileGone(FileNotFoundError):
    """A file is no longer held, or not for this organisation, or the storage is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The user for whom a file is held, looking at this subject (``invoice:ID``).

    It takes its space from that of the organisation.
    """

    user_id: str
    subject: str
    organisation_id: str

    @property
    def mark(self) -> str:
        """The beginning of the names of files that are held for the organisation, and the user."""
        return mark_of(self.organisation_id) + mark_of(self.user_id)


class Shelf(Protocol):
    """Files for some time: shared by all processes, and, where the storage is, by all nodes.

    When it is full, the organisation that takes most of it loses the oldest file of the person who
    takes most of its part. So nobody pushes out the files of others. A file belongs to an
    organisation, and there is none for another that has its name. All of this waits for the
    storage: on the event loop, use
    :func:`~billhook.portal.storage.threads.in_storage_thread`.
    """

    @property
    def has_quick_notes(self) -> bool:
        """Whether notes are small files on this machine, so that the event loop may read them."""
        ...

    def may_have_note(self, name: str, holder: Holder) -> bool:
        """Return False if there is surely no note *name* of *holder*: quick, for the event loop.

        A note that another node wrote less than two seconds ago may be unknown here.
        """
        ...

    def hold(self, body: Body, holder: Holder) -> str:
        """Store the bytes of *body*, which stays open, and return the file's name, a random one.

        Raises:
            ShelfFull: if there is no space for so many bytes, or the storage is away.
        """
        ...

    def has_file(self, name: str, organisation_id: str) -> bool:
        """Return whether *organisation_id* has a file *name* here."""
        ...

    def open_file(self, name: str, organisation_id: str) -> BinaryIO:
        """Return the file *name* for reading: a real file, at its beginning.

        Raises:
            FileGone: if the organisation has none of that name (any longer).
        """
        ...

    def touch(self, name: str, organisation_id: str) -> None:
        """Hold the file *name*, if it is still there, as long as one that begins now."""
        ...

    def remove(self, name: str, organisation_id: str) -> None:
        """Delete the file *name*, if it is there."""
        ...

    def write_note(self, name: str, content: bytes, holder: Holder) -> None:
        """Store a few hundred bytes under *name*; a reader finds the old ones or these.

        Raises:
            ShelfFull: see :meth:`hold`.
        """
        ...

    def read_note(self, name: str, holder: Holder) -> bytes | None:
        """Return the note *name* of *holder*, or None."""
        ...

    def remove_note(self, name: str, holder: Holder) -> None:
        """Delete the note *name* of *holder*, if it is there."""
        ...

    def sweep(self) -> int:
        """Delete what has expired, and what is beyond the limit; return the bytes that are left."""
        ...

    def close(self) -> None:
        """Stop the timer that sweeps, if there is one. The files stay."""
        ...


def mark_of(part: str) -> str:
    """Return four letters for an organisation or a user: they begin the names of its files."""
    digest = hashlib.sha256(part.encode()).digest()
    return base64.urlsafe_b64encode(digest[:3]).decode("ascii")


def new_name(holder: Holder) -> str:
    """Return a new name for a file of *holder*."""
    return holder.mark + secrets.token_urlsafe(18)


def is_name(name: str, organisation_id: str) -> bool:
    """Return whether *name* can be that of a file of this organisation."""
    return bool(_FILE_NAME.fullmatch(name)) and name.startswith(mark_of(organisation_id))


def note_name(name: str, holder: Holder) -> str:
    """Return the full name of the note *name* of *holder*; raise ValueError if it can't be one."""
    if not _NOTE_NAME.fullmatch(name):
        raise ValueError("a note's name has 32 to 64 letters, digits, - or _")
    return holder.mark + name
