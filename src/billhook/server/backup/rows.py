"""Rows in a form that every database reads: JSON, by table and field, as the migrations say.

Both directions use the models of a state of the migrations and not today's: so a database that is
older than this version can be backed up, and an older backup restored.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.apps.registry import Apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.options import Options
from django.utils.duration import duration_iso_string

from billhook.server.backup.archive import to_json
from billhook.server.operations.schema import Name

NOT_KEPT: Final = frozenset(
    {
        "sessions.session",
        "accounts.cacheentry",
        "api.idempotentcall",
        "mail.outgoingmail",
        "django_q.ormq",
        "django_q.schedule",
        "django_q.task",
        "nodes.keyfingerprint",
        "nodes.runningnode",
        "nodes.sharedreport",
        "storage.storedfile",
        "storage.filechunk",
        "downloads.zipdownload",
        "downloads.zipentry",
        "invoices.opensum",
    }
)
"""Tables that no backup has.

A restored session would revive one that was ended meanwhile, a mail that still had to be sent
would be sent twice, and stored files are copies that are needed for some time, as are the
downloads that need them. The engine for jobs gets its rows again from ours, and the nodes of the
restored installation are others. Sums follow from the invoices: the database adds them up while
these go in.
"""
_MEMBER_BYTES: Final = 1024 * 1024
_AT_ONCE: Final = 500

Model = type[models.Model]


def options(model: Model) -> Options[Any]:
    """Return what Django knows of *model*: its table and fields."""
    return model._meta  # noqa: SLF001 - Django's public name for it


def apps_at(migrations: Sequence[Name]) -> Apps:
    """Return the apps as they are after *migrations*."""
    loader = MigrationLoader(connection)
    known = [name for name in migrations if name in loader.graph.nodes]
    return loader.project_state(known).apps


def tables_of(apps: Apps) -> list[Model]:
    """Return the models whose rows a backup has, by label."""
    found = apps.get_models(include_auto_created=True)
    kept = (m for m in found if options(m).managed and not options(m).proxy)
    return sorted(
        (model for model in kept if options(model).label_lower not in NOT_KEPT),
        key=lambda model: options(model).label_lower,
    )


def read_rows(model: Model) -> Iterator[tuple[bytes, int]]:
    """Yield all rows of *model* in chunks of about a megabyte, each with its number of rows.

    The first line of a chunk names the table and the fields, every other one is a row.
    """
    fields = options(model).concrete_fields
    names = [field.attname for field in fields]
    head = to_json({"table": options(model).label_lower, "fields": names})
    lines, size = [head], 0
    rows = options(model).base_manager.order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=_AT_ONCE):
        line = to_json([_portable(value) for value in row])
        lines.append(line)
        size += len(line)
        if size > _MEMBER_BYTES:
            yield b"".join(lines), len(lines) - 1
            lines, size = [head], 0
    if len(lines) > 1:
        yield b"".join(lines), len(lines) - 1


def _portable(value: Any) -> Any:
    """Return *value* as JSON can hold it; :func:`_stored` turns it back."""
    match value:
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return duration_iso_string(value)
        case Decimal() | UUID():
            return str(value)
        case _:
            return value


def write_rows(model: Model, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert *rows*, whose values are those of the fields *names*."""
    fields = {field.attname: field for field in options(model).concrete_fields}
    chosen = [fields[name] for name in names]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column or "") for field in chosen)
    places = ", ".join(["%s"] * len(chosen))
    insert = f"INSERT INTO {quote(options(model).db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - names of our own tables
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            cursor.executemany(insert, [_stored(chosen, row) for row in some])


def _stored(fields: Sequence[models.Field[Any, Any]], row: Sequence[Any]) -> list[Any]:
    return [
        field.get_db_prep_save(field.to_python(value), connection)
        for field, value in zip(fields, row, strict=True)
    ]
