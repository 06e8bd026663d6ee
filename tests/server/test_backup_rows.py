"""Rows are read in chunks, and every kind of value is restored unchanged."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.models import Run, RunKind
from billhook.server.backup.rows import NOT_KEPT, apps_at, options, read_rows, tables_of, write_rows
from billhook.server.backup.snapshot import snapshot
from billhook.server.operations.schema import read_schema

pytestmark = pytest.mark.django_db


def runs(number: int) -> None:
    organisation = Organisation.objects.create(name="Acme")
    Run.objects.bulk_create(
        Run(
            organisation=organisation,
            command="GetInvoiceImage",
            kind=RunKind.API,
            outcome="ok",
            attempts=[{"status": 200, "note": "x" * 200}],
            started_at=timezone.now(),
            milliseconds=0.1,
        )
        for _ in range(number)
    )


def test_every_table_of_ours_is_kept_except_transient_ones() -> None:
    kept = {options(model).label_lower for model in tables_of(apps_at(read_schema().applied))}
    tables = set(connection.introspection.django_table_names(only_existing=True))
    named = {options(model).db_table for model in tables_of(apps_at(read_schema().applied))}
    assert kept & NOT_KEPT == set()
    assert tables - named == {
        "django_session",
        "accounts_cacheentry",
        "api_idempotentcall",
        "mail_outgoingmail",
        "django_q_ormq",
        "django_q_schedule",
        "django_q_task",
        "nodes_keyfingerprint",
        "nodes_runningnode",
        "nodes_sharedreport",
        "invoices_opensum",
        "storage_storedfile",
        "storage_filechunk",
        "downloads_zipdownload",
        "downloads_zipentry",
    }


def test_rows_are_read_in_chunks_of_a_megabyte() -> None:
    runs(8000)
    pieces = list(read_rows(Run))
    assert sum(count for _, count in pieces) == 8000
    assert len(pieces) > 1
    assert all(len(content) < 1_200_000 for content, _ in pieces)


@pytest.mark.django_db(transaction=True)
def test_reading_many_rows_takes_no_more_memory_than_reading_some() -> None:
    runs(20_000)
    some, many = peak_of_reading(8_000), peak_of_reading(20_000)  # each is several chunks
    assert many < some + 512 * 1024


def peak_of_reading(number: int) -> int:
    """Return the most memory that reading the first *number* runs takes, in bytes."""
    tracemalloc.start()
    try:
        with snapshot():
            seen = 0
            for _, count in read_rows(Run):
                seen += count
                if seen >= number:
                    break
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_written_rows_equal_the_rows_that_were_read() -> None:
    runs(3)
    before = list(Run.objects.order_by("pk").values())
    ((content, _),) = read_rows(Run)
    Run.objects.all().delete()
    head, *rows = (json.loads(line) for line in content.splitlines())
    write_rows(Run, head["fields"], rows)
    assert list(Run.objects.order_by("pk").values()) == before


def test_a_row_with_another_number_of_values_is_an_error() -> None:
    fields: list[Any] = ["id", "name"]
    with pytest.raises(ValueError, match="argument"):
        write_rows(Organisation, fields, [["only-an-id"]])
