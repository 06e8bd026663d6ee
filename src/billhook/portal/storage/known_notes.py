"""The names of a shared shelf's notes, in memory: most look-ups are for one that isn't there."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from billhook.portal.storage.access import notes_that_expire_after
from billhook.portal.storage.models import StoredFile

_OVERLAP: Final = timedelta(seconds=15)
"""A row may be seen so late: its transaction took that long, or another node's clock is behind."""


class KnownNotes:
    """The names of all notes of one shelf, as far as a thread follows them; else none is known."""

    def __init__(self, shelf: str, *, kept_seconds: float) -> None:
        self._shelf = shelf
        self._kept = timedelta(seconds=kept_seconds)
        self._lock = threading.Lock()
        self._until: dict[str, datetime] = {}
        self._followed_at: datetime | None = None
        self._is_asked = False

    def may_have(self, name: str) -> bool:
        """Return False if there is surely no note of this full *name*."""
        self._is_asked = True
        return self._followed_at is None or name in self._until

    def add(self, row: StoredFile) -> None:
        """Note that *row* was just written here."""
        with self._lock:
            self._until[row.name] = row.expires_at

    def follow(self) -> None:
        """Learn of the notes that others have written since, if anybody asks for any."""
        if not self._is_asked:
            return
        now = timezone.now()
        # An index leads to them, since a note expires a fixed time after it was written.
        since = now if self._followed_at is None else self._followed_at + self._kept - _OVERLAP
        found = notes_that_expire_after(self._shelf, since)
        with self._lock:
            self._until |= found
            for name in [name for name, until in self._until.items() if until <= now]:
                del self._until[name]
        self._followed_at = now
