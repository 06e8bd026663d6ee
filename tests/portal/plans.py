"""Plans of a page's queries: which of them would read or sort the whole of a big table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

BIG: Final = frozenset(
    {
        "customers_contact",
        "customers_customer",
        "integrations_apikey",
        "integrations_integration",
        "invoices_invoice",
        "runs_run",
    }
)
"""The tables that grow with the organisation."""


def costly_plans(browser: Client, address: str) -> list[str]:
    """Return the lines of plans of the page at *address* that grow with a big table.

    Both databases would read a small table as a whole. So PostgreSQL has to avoid that, and
    to avoid sorting, wherever an index allows it; SQLite decides without statistics.
    """
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    asked = [sql for query in captured if _asks_big(sql := query["sql"])]
    return [f"{line}: {sql}" for sql in asked for line in _costly_lines(list(_plan(sql)))]


def _asks_big(sql: str) -> bool:
    return sql.startswith("SELECT") and not BIG.isdisjoint(re.findall(r'FROM "(\w+)"', sql))


def _plan(sql: str) -> Iterator[str]:
    is_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if is_postgresql:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"{'EXPLAIN' if is_postgresql else 'EXPLAIN QUERY PLAN'} {sql}")
        for row in cursor.fetchall():
            yield str(row[-1]).strip()


def _costly_lines(plan: list[str]) -> list[str]:
    by_id = any("(id=?" in line for line in plan)  # so many rows as there are ids
    sorts = [] if by_id else [line for line in plan if "USE TEMP B-TREE FOR ORDER BY" in line]
    return sorts + [line for line in plan if _reads_all(line)]


def _reads_all(line: str) -> bool:
    whole = re.match(r"(?:->\s+)?(?:Parallel )?Seq Scan on (\w+)|SCAN (\w+)", line)
    return whole is not None and (whole[1] or whole[2]) in BIG
