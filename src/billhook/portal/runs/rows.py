"""Writes run records as rows, many at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction

from billhook.engine.http.trace import Attempt
from billhook.engine.record import RunRecord
from billhook.portal.integrations.models import ApiKey, Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.models import Run

_POINTERS: Final[tuple[tuple[str, Any], ...]] = (
    ("integration_id", Integration),
    ("user_id", get_user_model()),
    ("api_key_id", ApiKey),
    ("invoice_id", Invoice),
)


def write_runs(batch: Sequence[RunRecord]) -> None:
    """Write *batch* as rows.

    The rows that a run refers to may have been deleted in the meantime. Then it is kept without
    that reference, unless its organisation is gone, because its runs go with it. A run that was
    already written (the connection broke just after) isn't written again.
    """
    try:
        _insert([_columns(run) for run in batch])
    except IntegrityError:
        rows = [Run(**_columns(run)) for run in batch]
        Run.objects.bulk_create(_mended(rows), ignore_conflicts=True)


def _insert(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows* as they are: model instances would take four times as long on a busy server."""
    names = list(rows[0])
    table = connection.ops.quote_name(Run._meta.db_table)  # noqa: SLF001 - Django's public _meta
    columns = ", ".join(map(connection.ops.quote_name, names))
    places = ", ".join(["%s"] * len(names))
    adapt_time = connection.ops.adapt_datetimefield_value
    values = [
        {
            **row,
            "attempts": json.dumps(row["attempts"]),
            "started_at": adapt_time(row["started_at"]),
        }.values()
        for row in rows
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608 - our own names
            [tuple(row) for row in values],
        )


def _columns(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "organisation_id": run.organisation_id,
        "integration_id": run.integration_id,
        "command": run.command[:64],  # as long as the columns are: PostgreSQL refuses more
        "kind": run.kind,
        "user_id": run.user_id,
        "api_key_id": run.api_key_id,
        "invoice_id": run.invoice_id,
        "outcome": run.outcome[:40],
        "reason": run.reason[:40],
        "attempts": [_attempt_json(attempt) for attempt in run.attempts],
        "started_at": run.started_at,
        "milliseconds": run.milliseconds,
        "document_bytes": run.document_bytes,
        "media_type": run.media_type[:100],
        "part_of": run.part_of,
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    timing = attempt.timing
    return {
        "step": attempt.step,
        "method": attempt.method,
        "status": attempt.status,
        "received_bytes": attempt.received_bytes,
        "milliseconds": attempt.milliseconds,
        "outcome": attempt.outcome,
        "timing": {
            "lookup": timing.lookup,
            "connect": timing.connect,
            "tls": timing.tls,
            "wait": timing.wait,
            "receive": timing.receive,
        },
    }


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
