"""The pace of long work on the database: in small steps, with rests in which others get their turn.

SQLite has one writer at a time, and PostgreSQL's disk is shared, too. A step is over in
milliseconds, and is followed by a rest four times as long.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from django.db.models import QuerySet

CHUNK: Final = 500
"""Rows deleted in one step."""
REST: Final = 4.0
"""Seconds of rest for each second of work."""
LONGEST_REST: Final = 5.0


class Pace:
    """Lets work rest between two steps, and end at a step when *ended* is set."""

    def __init__(self, ended: threading.Event | None = None, *, rest: float = REST) -> None:
        self._ended = ended or threading.Event()
        self._rest = rest

    @property
    def goes_on(self) -> bool:
        """Whether another step may begin."""
        return not self._ended.is_set()

    def rest_after(self, seconds: float) -> bool:
        """Rest after a step that took so many seconds; return whether another one may begin."""
        return not self._ended.wait(min(LONGEST_REST, seconds * self._rest))

    def delete(self, rows: QuerySet[Any]) -> int:
        """Delete *rows* step by step. Return how many; fewer than all if the work was ended."""
        deleted = 0
        while self.goes_on:
            began = time.monotonic()
            keys = list(rows.values_list("pk", flat=True)[:CHUNK])
            if not keys:
                break
            deleted += rows.model.objects.filter(pk__in=keys).delete()[0]
            if not self.rest_after(time.monotonic() - began):
                break
        return deleted


AT_ONCE: Final = Pace(rest=0.0)
"""For work that nobody else waits for."""
