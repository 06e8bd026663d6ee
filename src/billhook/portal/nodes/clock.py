"""The clock of the database: the only one that all nodes share."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """Return the time by the clock of the database; SQLite has this machine's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def seconds_ahead() -> tuple[datetime, float]:
    """Return the database's time, and the seconds by which this machine's clock is ahead of it."""
    began = time.monotonic()
    theirs, ours = database_now(), timezone.now()
    on_the_way = (time.monotonic() - began) / 2
    return theirs, (ours - theirs).total_seconds() - on_the_way
