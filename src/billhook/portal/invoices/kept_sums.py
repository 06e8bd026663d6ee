"""The sums of what is open, kept by the database, and the indexes that models can't describe.

Triggers add every change of invoices to the rows of OpenSum, whatever makes it: one row or many, a
form, an import, a sync. SQLite has one writer at a time, and each due date one row. On PostgreSQL
one statement adds rows of its own, so that two writers never wait for each other; the upkeep puts
these together. All of it is made, or made again, after a migration: see :mod:`search_index`.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connection, transaction

from billhook.portal.invoices.shown_status import OPEN

_COLUMNS: Final = "organisation_id, currency, due_on, open_amount, credit_amount"
_COUNTED: Final = (
    "{row}.hidden_at IS NULL AND {row}.status IN ('open', 'part_paid') AND {row}.open_amount <> 0"
)
_OPEN: Final = (
    "CASE WHEN {row}.type = 'invoice' AND {row}.open_amount > 0 THEN {row}.open_amount ELSE 0 END"
)
_CREDIT: Final = (
    "CASE WHEN {row}.type = 'credit_note' OR {row}.open_amount < 0 "
    "THEN ABS({row}.open_amount) ELSE 0 END"
)
_KEY: Final = (
    "organisation_id = {row}.organisation_id AND currency = {row}.currency "
    "AND due_on IS {row}.due_on"
)
_KEPT: Final = (
    "SELECT organisation_id, currency, due_on, open_amount AS open, credit_amount AS credit "
    "FROM {table}"
)
_CHANGE: Final = (
    "UPDATE invoices_opensum SET "
    f"open_amount = ROUND(open_amount {{sign}} {_OPEN}, 3), "
    f"credit_amount = ROUND(credit_amount {{sign}} {_CREDIT}, 3) WHERE {_KEY} AND {_COUNTED}; "
)
_NEW_ROW: Final = (
    f"INSERT INTO invoices_opensum({_COLUMNS}) SELECT {{row}}.organisation_id, {{row}}.currency, "
    f"{{row}}.due_on, 0, 0 WHERE {_COUNTED} "
    f"AND NOT EXISTS (SELECT 1 FROM invoices_opensum WHERE {_KEY}); "
)
_ADD: Final = _NEW_ROW.format(row="new") + _CHANGE.format(row="new", sign="+")
_SUBTRACT: Final = _CHANGE.format(row="old", sign="-")
_WATCHED: Final = "organisation_id, type, status, currency, due_on, open_amount, hidden_at"
SQLITE_TRIGGERS: Final = {
    "invoices_opensum_insert": f"AFTER INSERT ON invoices_invoice "
    f"WHEN {_COUNTED.format(row='new')} BEGIN {_ADD}END",
    "invoices_opensum_delete": f"AFTER DELETE ON invoices_invoice "
    f"WHEN {_COUNTED.format(row='old')} BEGIN {_SUBTRACT}END",
    "invoices_opensum_update": f"AFTER UPDATE OF {_WATCHED} ON invoices_invoice "
    f"WHEN ({_COUNTED.format(row='old')}) OR ({_COUNTED.format(row='new')}) "
    f"BEGIN {_SUBTRACT}{_ADD}END",
}


def _side(table: str, sign: str) -> str:
    row = {"row": "i"}
    return (
        f"SELECT i.organisation_id, i.currency, i.due_on, {sign}({_OPEN.format(**row)}) AS open, "
        f"{sign}({_CREDIT.format(**row)}) AS credit FROM {table} i WHERE {_COUNTED.format(**row)}"
    )


def _summed(rows: str) -> str:
    return (
        "SELECT organisation_id, currency, due_on, ROUND(SUM(open), 3), ROUND(SUM(credit), 3) "
        f"FROM ({rows}) s GROUP BY organisation_id, currency, due_on "
        "HAVING ROUND(SUM(open), 3) <> 0 OR ROUND(SUM(credit), 3) <> 0"
    )


_SIDES: Final = {
    "insert": (_side("new_rows", "+"), "NEW TABLE AS new_rows"),
    "delete": (_side("old_rows", "-"), "OLD TABLE AS old_rows"),
    "update": (
        f"{_side('new_rows', '+')} UNION ALL {_side('old_rows', '-')}",
        "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    ),
}
_IS_OPEN: Final = OPEN.format(type="type", status="status", open_amount="open_amount")
_UNPAID: Final = (
    "(organisation_id, issued_on, number, id, due_on, currency, customer_id, amount, open_amount, "
    f"type, status, hidden_at) WHERE hidden_at IS NULL AND {_IS_OPEN}"
)
_UNPAID_BY_DUE: Final = _UNPAID.replace(
    "issued_on, number, id, due_on", "due_on, number, id, issued_on"
)
_HAS_PO: Final = "WHERE hidden_at IS NULL AND po_number <> ''"
_INDEXES: Final = {
    "sqlite": {
        "invoice_number_start": "(organisation_id, UPPER(number)) WHERE hidden_at IS NULL",
        "invoice_po_start": f"(organisation_id, UPPER(po_number)) {_HAS_PO}",
        "invoice_unpaid": _UNPAID,
        "invoice_unpaid_by_due": _UNPAID_BY_DUE,
    },
    "postgresql": {
        "invoice_number_start": (
            "(organisation_id, UPPER(number) text_pattern_ops) WHERE hidden_at IS NULL"
        ),
        "invoice_po_start": f"(organisation_id, UPPER(po_number) text_pattern_ops) {_HAS_PO}",
        "invoice_unpaid": _UNPAID,
        "invoice_unpaid_by_due": _UNPAID_BY_DUE,
    },
}
_KNOWN_INDEXES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE tablename = 'invoices_invoice'",
}


def make_kept_sums(**_: Any) -> None:
    """Make the indexes and triggers that are missing; fill the sums if they had to be made."""
    known = _names(_KNOWN_INDEXES[connection.vendor])
    for name, statement in _INDEXES[connection.vendor].items():
        if name not in known:
            _execute(f"CREATE INDEX {name} ON invoices_invoice {statement}")
    if not _is_complete():
        with transaction.atomic():
            for statement in _making():
                _execute(statement)
            _fill()


def repair_kept_sums() -> bool:
    """Make the sums equal to the invoices; return whether they differed."""
    if _kept() == _real():
        return False
    with transaction.atomic():
        if connection.vendor == "postgresql":  # no writer meanwhile, or a change counts twice
            _execute("LOCK TABLE invoices_invoice IN SHARE ROW EXCLUSIVE MODE")
        is_wrong = _kept() != _real()
        if is_wrong:
            _fill()
    return is_wrong


def compact_kept_sums() -> None:
    """Put the rows of one due date together, and drop those of which nothing is left."""
    if connection.vendor == "postgresql":
        _execute(
            "WITH gone AS (DELETE FROM invoices_opensum RETURNING *) "
            f"INSERT INTO invoices_opensum({_COLUMNS}) {_summed(_KEPT.format(table='gone'))}"
        )
    else:
        _execute("DELETE FROM invoices_opensum WHERE open_amount = 0 AND credit_amount = 0")


def _fill() -> None:
    _execute("DELETE FROM invoices_opensum")
    _execute(f"INSERT INTO invoices_opensum({_COLUMNS}) {_summed(_side('invoices_invoice', '+'))}")


def _kept() -> list[tuple[Any, ...]]:
    return _sorted(_summed(_KEPT.format(table="invoices_opensum")))


def _real() -> list[tuple[Any, ...]]:
    return _sorted(_summed(_side("invoices_invoice", "+")))


def _sorted(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = [
            (*map(str, row[:3]), round(row[3], 3), round(row[4], 3)) for row in cursor.fetchall()
        ]
    return sorted(rows)


def _is_complete() -> bool:
    if connection.vendor == "postgresql":
        known = _names("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'invoices_opensum_%%'")
        return known.keys() == {f"invoices_opensum_{name}" for name in _SIDES}
    known = _names("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return all(
        known.get(name) == f"CREATE TRIGGER {name} {body}" for name, body in SQLITE_TRIGGERS.items()
    )


def _names(statement: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {row[0]: row[-1] for row in cursor.fetchall()}


def _making() -> list[str]:
    if connection.vendor == "postgresql":
        return [each for name in _SIDES for each in _postgresql_trigger(name)]
    dropping = [f"DROP TRIGGER IF EXISTS {name}" for name in SQLITE_TRIGGERS]
    return dropping + [f"CREATE TRIGGER {name} {body}" for name, body in SQLITE_TRIGGERS.items()]


def _postgresql_trigger(event: str) -> list[str]:
    rows, tables = _SIDES[event]
    name = f"invoices_opensum_{event}"
    return [
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO invoices_opensum({_COLUMNS}) {_summed(rows)}; RETURN NULL; END $$"
        ),
        f"DROP TRIGGER IF EXISTS {name} ON invoices_invoice",
        (
            f"CREATE TRIGGER {name} AFTER {event.upper()} ON invoices_invoice REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        ),
    ]


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
