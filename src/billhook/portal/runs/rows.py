"""Writes run records as rows, many at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import DataError, IntegrityError, connection, transaction

from billhook.engine.record import RunRecord
from billhook.portal.customers.models import Customer
from billhook.portal.events.facts import note_runs
from billhook.portal.integrations.models import ApiKey, Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.models import Run
from billhook.portal.runs.outcomes import source_works, tells_about_source

_POINTERS: Final[tuple[tuple[str, Any], ...]] = (
    ("integration_id", Integration),
    ("user_id", get_user_model()),
    ("api_key_id", ApiKey),
    ("invoice_id", Invoice),
    ("customer_id", Customer),
)
_COLUMNS: Final = (
    *("id", "organisation_id", "integration_id", "command", "kind", "user_id", "api_key_id"),
    *("invoice_id", "customer_id", "outcome", "reason", "milliseconds", "document_bytes"),
    *("media_type", "part_of", "attempts", "started_at"),
)
"""The columns of a row, in the order of its values."""
_encode: Final = json.JSONEncoder(check_circular=False).encode


def write_runs(batch: Sequence[RunRecord]) -> None:
    """Write *batch* as rows, and the events that follow from them.

    The rows that a run refers to may have been deleted in the meantime. Then it is kept without
    that reference, unless its organisation is gone, because its runs go with it. A run that was
    already written (the connection broke just after) isn't written again.
    """
    failed = [
        run
        for run in batch
        if tells_about_source(run.outcome, run.reason) and not source_works(run.outcome)
    ]
    try:
        with transaction.atomic():
            _insert(batch)
            note_runs(batch, failed=failed)
    except IntegrityError:
        rows = _mended([_row(run) for run in batch])
        with transaction.atomic():
            Run.objects.bulk_create(rows, ignore_conflicts=True)
            there = {row.organisation_id for row in rows}
            note_runs(
                [run for run in batch if run.organisation_id in there],
                failed=[run for run in failed if run.organisation_id in there],
            )


def write_or_leave_out(
    batch: Sequence[RunRecord],
    write: Callable[[Sequence[RunRecord]], None],
    lose: Callable[[int], None],
) -> None:
    """Write *batch*, except for records that the database will never take: they are lost.

    One such record must not keep all that come after it from being written.
    """
    try:
        write(batch)
    except DataError:
        if len(batch) == 1:
            lose(1)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            write_or_leave_out(half, write, lose)


def _insert(batch: Sequence[RunRecord]) -> None:
    """Insert *batch* as it is: model instances would take four times as long on a busy server."""
    table = connection.ops.quote_name(Run._meta.db_table)  # noqa: SLF001 - Django's public _meta
    columns = ", ".join(map(connection.ops.quote_name, _COLUMNS))
    places = ", ".join(["%s"] * len(_COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608 - our own names
            [_values(run) for run in batch],
        )


def _values(run: RunRecord) -> tuple[Any, ...]:
    """Return the row of *run*, in the order of the columns, as the database takes it."""
    attempts = _encode([attempt.as_dict() for attempt in run.attempts])
    started_at = connection.ops.adapt_datetimefield_value(run.started_at)
    return (*_plain_values(run), attempts, started_at)


def _plain_values(run: RunRecord) -> tuple[Any, ...]:
    return (
        run.id,
        run.organisation_id,
        run.integration_id,
        run.command[:64],  # as long as the columns are: PostgreSQL refuses more
        run.kind,
        run.user_id,
        run.api_key_id,
        run.invoice_id,
        run.customer_id,
        run.outcome[:40],
        run.reason[:40],
        run.milliseconds,
        run.document_bytes,
        run.media_type[:100],
        run.part_of,
    )


def _row(run: RunRecord) -> Run:
    attempts = [attempt.as_dict() for attempt in run.attempts]
    values = (*_plain_values(run), attempts, run.started_at)
    return Run(**dict(zip(_COLUMNS, values, strict=True)))


def _mended(rows: list[Run]) -> list[Run]:
    for field, model in _POINTERS:
        there = _existing(model, {getattr(row, field) for row in rows} - {None})
        for row in rows:
            if getattr(row, field) not in there:
                setattr(row, field, None)
    organisations = _existing(Organisation, {row.organisation_id for row in rows})
    return [row for row in rows if row.organisation_id in organisations]


def _existing(model: Any, ids: set[str]) -> set[str]:
    return set(model.objects.filter(pk__in=ids).values_list("pk", flat=True))
