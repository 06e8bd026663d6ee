"""The index that the search for customers reads, kept by the database itself.

Whatever writes customers, one by one or in bulk, the index follows within the same statement. It
is checked after every migration (Django copies a table of SQLite to change it, and its triggers
are lost then), and made again from the customers if it isn't complete.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import DatabaseError, connection, transaction

_KEY: Final = "(SELECT number FROM customers_searchkey WHERE customer_id = {row}.id)"
_NEW, _OLD = _KEY.format(row="new"), _KEY.format(row="old")
_ADD: Final = (
    "INSERT INTO customers_searchkey(customer_id) VALUES (new.id); "
    "INSERT INTO customers_search(rowid, customer_id, name, number) "
    f"VALUES ({_NEW}, new.id, new.name, new.number);"
)
_REMOVE: Final = (
    f"DELETE FROM customers_search WHERE rowid = {_OLD}; "
    "DELETE FROM customers_searchkey WHERE customer_id = old.id;"
)
_TABLES: Final = (
    # The row ids of a table whose key is a text may change; those of this one may not.
    (
        "CREATE TABLE IF NOT EXISTS customers_searchkey"
        "(number INTEGER PRIMARY KEY, customer_id TEXT NOT NULL UNIQUE)"
    ),
    (
        "CREATE VIRTUAL TABLE IF NOT EXISTS customers_search "
        "USING fts5(customer_id UNINDEXED, name, number, tokenize='trigram')"
    ),
)
TRIGGERS: Final = {
    "customers_search_insert": f"AFTER INSERT ON customers_customer BEGIN {_ADD} END",
    "customers_search_delete": f"AFTER DELETE ON customers_customer BEGIN {_REMOVE} END",
    "customers_search_update": "AFTER UPDATE OF id, name, number ON customers_customer "
    "WHEN old.id <> new.id OR old.name <> new.name OR old.number <> new.number "
    f"BEGIN {_REMOVE} {_ADD} END",
}
_FILL: Final = (
    "DELETE FROM customers_search",
    "DELETE FROM customers_searchkey",
    "INSERT INTO customers_searchkey(customer_id) SELECT id FROM customers_customer",
    (
        "INSERT INTO customers_search(rowid, customer_id, name, number) "
        "SELECT k.number, c.id, c.name, c.number FROM customers_customer c "
        "JOIN customers_searchkey k ON k.customer_id = c.id"
    ),
)
_DIFFERENCES: Final = (
    (
        "SELECT count(*) FROM customers_customer c "
        "LEFT JOIN customers_searchkey k ON k.customer_id = c.id "
        "LEFT JOIN customers_search s ON s.rowid = k.number "
        "WHERE s.customer_id IS NOT c.id OR s.name <> c.name OR s.number <> c.number"
    ),
    (
        "SELECT count(*) FROM customers_searchkey WHERE customer_id NOT IN "
        "(SELECT id FROM customers_customer)"
    ),
)
_TRIGRAMS: Final = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    (
        "CREATE INDEX IF NOT EXISTS customer_search_parts ON customers_customer "
        "USING gin (UPPER(name) gin_trgm_ops, UPPER(number) gin_trgm_ops)"
    ),
)


def make_search_index(**_: Any) -> None:
    """Make what is missing of the index; fill it if it had to be made."""
    if connection.vendor == "postgresql":
        _make_trigrams()
    elif _missing_triggers():
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _TABLES:
                cursor.execute(statement)
            for name, body in TRIGGERS.items():
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                cursor.execute(f"CREATE TRIGGER {name} {body}")
            _execute_all(_FILL)


def repair_search_index() -> int:
    """Make the index equal to the customers; return how many rows differed."""
    if connection.vendor != "sqlite":
        return 0  # PostgreSQL's index is part of the table
    differing = _differences()
    if differing:
        with transaction.atomic():
            _execute_all(_FILL)
    return differing


def _differences() -> int:
    return sum(_number(statement) for statement in _DIFFERENCES)


def _missing_triggers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        known = dict(cursor.fetchall())
    return any(
        known.get(name) != f"CREATE TRIGGER {name} {body}" for name, body in TRIGGERS.items()
    )


def _make_trigrams() -> None:
    """Make the index, if this user may use the extension; else the search reads the table."""
    try:
        with transaction.atomic():
            _execute_all(_TRIGRAMS)
    except DatabaseError:
        return


def _execute_all(statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
