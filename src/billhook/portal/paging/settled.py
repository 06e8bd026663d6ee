"""The time up to which no change can appear any more, for lists of what has changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

MARGIN: Final = timedelta(seconds=10)
"""Time for which changes are withheld: more than a write takes, or clocks of nodes differ."""
_OLDEST: Final = (
    "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)


def settled_until() -> datetime:
    """Return the time before which every change that was ever noted is visible.

    A change is noted with the time at which it is written, and is visible when its transaction
    ends. A reader of everything up to now would miss one that was written before and ends later.
    SQLite has one writer, so the margin is enough. PostgreSQL knows the transactions that have
    written something and go on.
    """
    now = timezone.now()
    if connection.vendor != "postgresql":
        return now - MARGIN
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        began: datetime | None = cursor.fetchone()[0]
    return min(now, began or now) - MARGIN
