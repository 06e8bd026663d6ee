"""The statistics by which a database chooses its indexes, brought up to date when needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import connection

_LEAST: Final = 100
"""Rows of a table below which any index will do."""


def _go_on(_seconds: float) -> bool:
    return True


def update_statistics(rest_after: Callable[[float], bool] = _go_on) -> None:
    """Let the database look at its tables again: for the upkeep, and after a first bulk write.

    Without statistics, a list may be read through an index that doesn't narrow it. PostgreSQL
    looks at a sample. SQLite's sample is the beginning of an index, which is misleading where one
    organisation has nearly all rows, so it looks at the whole of a table that has doubled since
    then: one index at a time, as nobody else can write meanwhile (0.3 seconds for a million rows).
    *rest_after* rests between two of them, and returns whether to go on.
    """
    if connection.vendor == "postgresql":
        _execute("ANALYZE")
        return
    known = _known()
    for table, indexes in _indexes().items():
        rows = max((known.get(index, 0) for index in indexes), default=0)
        is_due = _has(table, max(2 * rows, _LEAST))
        for index in indexes if is_due else _new(indexes, known, rows):
            began = time.monotonic()
            _execute(f"ANALYZE {connection.ops.quote_name(index)}")
            if not rest_after(time.monotonic() - began):
                return


def _indexes() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, index in _execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'"):
        found.setdefault(table, []).append(index)
    return found


def _known() -> dict[str, int]:
    """Return the rows of each index when it was last looked at."""
    if not _execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"):
        return {}
    stat = "SELECT idx, CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE idx IS NOT NULL"
    return dict(_execute(stat))


def _new(indexes: list[str], known: Mapping[str, int], rows: int) -> list[str]:
    """Return those of *indexes* that were made since then; empty ones are never known."""
    return [index for index in indexes if rows and index not in known]


def _has(table: str, limit: int) -> bool:
    """Return whether *table* has at least so many rows."""
    some = f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT {limit}"  # noqa: S608 - our table
    return bool(_execute(f"SELECT count(*) FROM ({some})")[0][0] == limit)  # noqa: S608


def _execute(statement: str, *values: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []
