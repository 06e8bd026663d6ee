"""A document that was just fetched and checked, held for a few minutes for one person.

So the pages on the screen and the file that is downloaded next are the same bytes, and the other
system is asked only once. A held document is a file on a shelf with a random name; a signed token
identifies it, with its kind and the person it is for. All nodes share the shelf.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final

from django.core import signing

from billhook.portal.storage.shelf import FileGone, Holder, Shelf
from billhook.portal.storage.shelves import open_shelf

KEPT_SECONDS: Final = 600
_SALT: Final = "billhook.held"


class DocumentGone(Exception):
    """The document is no longer held, or not for this person: it must be fetched again."""


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
    organisation_id: str

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


def has_held(held: Held) -> bool:
    """Return whether the document is still there."""
    return shelf().has_file(held.name, held.organisation_id)


def open_held(held: Held) -> BinaryIO:
    """Return the document's file for reading, or raise :class:`DocumentGone`."""
    try:
        return shelf().open_file(held.name, held.organisation_id)
    except FileGone:
        raise DocumentGone from None


@functools.cache
def shelf() -> Shelf:
    """Return the shelf of held documents."""
    return open_shelf("held", kept_seconds=KEPT_SECONDS)
