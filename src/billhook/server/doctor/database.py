"""Checks of the database: reachable, of this version, whole and writable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from billhook.portal.backups.models import LastBackup
from billhook.portal.installation.logs import name_of
from billhook.server.doctor.finding import Finding, Findings
from billhook.server.operations.installation import refusal_of_database
from billhook.server.operations.schema import Schema, read_schema

_BUSY_MILLISECONDS: Final = 2000
_NO_BACKUP: Final = 2
"""The id of a row that is never kept."""


def check_database() -> Iterator[Finding]:
    """Check the database, and stop at the first thing that is broken."""
    findings = Findings(check="database")
    try:
        schema = read_schema()
    except DatabaseError as error:
        yield findings.broken("database-unavailable", str(refusal_of_database(error)))
        return
    problem = _schema_problem(findings, schema) or _damage(findings) or _not_writable(findings)
    yield problem or findings.ok(f"{_product()} is reachable, up to date and writable.")


def _product() -> str:
    if connection.vendor != "postgresql":
        return "SQLite"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"


def _schema_problem(findings: Findings, schema: Schema) -> Finding | None:
    if schema.newer:
        return findings.broken(
            "database-newer",
            "A newer version of Billhook has changed this database, and this one can't read it. "
            "Use that version.",
        )
    if schema.pending:
        return findings.warning(
            "database-older",
            f"{len(schema.pending)} changes of this version aren't in the database yet. The next "
            "start of the server makes them.",
        )
    return None


def _damage(findings: Findings) -> Finding | None:
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        found = cursor.fetchone()[0]
    if found == "ok":
        return None
    return findings.broken(
        "database-damaged",
        "SQLite finds the database damaged. Stop the server, keep a copy of the data folder, and "
        "restore the last backup into a new one: billhook restore FILE --data-dir NEW",
    )


def _not_writable(findings: Findings) -> Finding | None:
    """Write a row and take it back."""
    try:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        with transaction.atomic():
            LastBackup.objects.create(
                id=_NO_BACKUP, made_at=timezone.now(), bytes=0, is_encrypted=False, version=""
            )
            transaction.set_rollback(True)
    except DatabaseError as error:
        return findings.broken(
            "database-not-writable",
            f"The database can be read, but takes no changes ({name_of(error)}). Make room on its "
            "disk, stop other programs that keep it locked, and check that this user may write to "
            "it.",
        )
    return None
