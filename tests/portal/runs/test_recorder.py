"""Every run leaves one row and one log line, and no run waits for the database."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.db import DataError, OperationalError
from django.utils import timezone

from billhook.engine.http.trace import Attempt, Timing
from billhook.engine.record import RunRecord, new_run_id
from billhook.portal.integrations.models import ApiKey, Integration
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder
from billhook.portal.runs.retention import delete_old_runs
from billhook.portal.runs.unwritten import UnwrittenRuns
from portal.cast import Cast

ATTEMPT = Attempt(
    step="",
    method="GET",
    status=200,
    received_bytes=61_000,
    milliseconds=12.5,
    outcome="ok",
    timing=Timing(lookup=1.0, connect=2.0, wait=8.0, receive=1.5),
)


def record(organisation_id: str, **changes: Any) -> RunRecord:
    facts: dict[str, Any] = {
        "id": new_run_id(),
        "organisation_id": organisation_id,
        "integration_id": None,
        "command": "GetInvoiceImage",
        "kind": "view",
        "outcome": "ok",
        "attempts": (ATTEMPT,),
        "started_at": datetime.now(UTC),
        "milliseconds": 13.0,
        "document_bytes": 61_000,
        "media_type": "application/pdf",
    }
    return RunRecord(**{**facts, **changes})


def test_a_run_becomes_a_row_with_its_attempts(cast: Cast) -> None:
    recorder = RunRecorder()
    run = record(cast.harper.id, user_id=cast.carla.user_id, invoice_id=cast.open.id)
    recorder.record(run)
    recorder.flush()
    row = Run.objects.get(id=run.id)
    assert (row.outcome, row.user_id, row.invoice_id) == ("ok", cast.carla.user_id, cast.open.id)
    assert row.attempts[0]["status"] == 200
    assert row.attempts[0]["timing"]["wait"] == 8.0
    assert row.attempts[0]["timing"]["tls"] is None


def test_a_run_is_logged_once_with_codes_only(cast: Cast) -> None:
    recorder = RunRecorder()
    with structlog.testing.capture_logs() as lines:
        recorder.record(record(cast.harper.id))
        recorder.flush()
        recorder.flush()
    assert [line["event"] for line in lines] == ["run"]
    assert set(lines[0]) == {
        "event", "log_level", "run", "organisation", "integration", "command", "kind", "outcome",
        "reason", "attempts", "milliseconds", "document_bytes", "media_type", "part_of",
    }  # fmt: skip


def test_runs_are_written_in_batches() -> None:
    batches: list[int] = []
    recorder = RunRecorder(write=lambda batch: batches.append(len(batch)))
    for _ in range(1201):
        recorder.record(record("organisation"))
    recorder.flush()
    assert batches == [500, 500, 201]


@pytest.mark.django_db(transaction=True)
def test_a_run_that_refers_to_deleted_rows_does_not_stop_the_others(cast: Cast) -> None:
    integration = Integration.objects.create(organisation=cast.harper, name="Gone")
    key = ApiKey.objects.create(organisation=cast.harper, name="k", hint="h", digest="d")
    pointing = record(
        cast.harper.id,
        integration_id=integration.id,
        api_key_id=key.id,
        user_id=cast.sam.id,
        invoice_id=cast.open.id,
        customer_id=cast.dune.id,
    )
    whole = record(cast.harper.id, invoice_id=cast.paid.id, customer_id=cast.bolt.id)
    homeless = record("000000000000")
    for gone in (integration, key, cast.sam, cast.open, cast.dune):
        gone.delete()
    recorder = RunRecorder()
    for run in (pointing, homeless, whole):
        recorder.record(run)
    recorder.flush()
    row = Run.objects.get(id=pointing.id)
    assert (row.integration_id, row.api_key_id, row.user_id, row.invoice_id) == (None,) * 4
    assert row.customer_id is None
    written = Run.objects.get(id=whole.id)
    assert (written.invoice_id, written.customer_id) == (cast.paid.id, cast.bolt.id)
    assert Run.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_run_is_never_written_twice(cast: Cast) -> None:
    run, other = record(cast.harper.id), record(cast.harper.id)
    recorder = RunRecorder()
    recorder.record(run)
    recorder.flush()
    recorder.record(run)
    recorder.record(other)
    recorder.flush()
    assert set(Run.objects.values_list("id", flat=True)) == {run.id, other.id}


class FullDisk(UnwrittenRuns):
    """A disk that takes no more files."""

    def keep(self, runs: Sequence[RunRecord]) -> None:
        raise OSError(errno.ENOSPC, "full")


class Database:
    """A database that can be away."""

    def __init__(self) -> None:
        self.is_away = False
        self.rows: list[RunRecord] = []

    def write(self, batch: Sequence[RunRecord]) -> None:
        if self.is_away:
            raise OperationalError("secret-host refused")
        self.rows.extend(batch)


def test_runs_wait_in_order_while_the_database_is_unavailable() -> None:
    database = Database()
    recorder = RunRecorder(write=database.write)
    runs = [record("organisation") for _ in range(3)]
    database.is_away = True
    with structlog.testing.capture_logs() as lines:
        for run in runs:
            recorder.record(run)
            recorder.flush()
    assert "secret-host" not in str(lines)
    database.is_away = False
    recorder.flush()
    assert database.rows == runs
    assert recorder.lost == 0


def test_a_failing_database_is_logged_occasionally_and_not_each_time() -> None:
    database = Database()
    database.is_away = True
    told: dict[float, int] = {}
    for tell_every in (0.0, 3600.0):
        recorder = RunRecorder(write=database.write, tell_every=tell_every)
        recorder.record(record("organisation"))
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                recorder.flush()
        told[tell_every] = [line["event"] for line in lines].count("runs-not-written")
    assert told == {0.0: 3, 3600.0: 1}


def test_it_reports_whether_the_last_write_worked() -> None:
    database = Database()
    recorder = RunRecorder(write=database.write)
    said = [recorder.is_writing]
    for database.is_away in (True, False):
        recorder.record(record("organisation"))
        recorder.flush()
        said.append(recorder.is_writing)
    assert said == [True, False, True]


def test_beyond_the_limit_the_oldest_are_dropped_counted_and_logged() -> None:
    database = Database()
    database.is_away = True
    recorder = RunRecorder(write=database.write, in_memory=2, keep_every=0, unwritten=FullDisk())
    runs = [record("organisation") for _ in range(5)]
    with structlog.testing.capture_logs() as lines:
        for run in runs:
            recorder.record(run)
        recorder.flush()
    assert recorder.lost == 3
    assert {"event": "runs-lost", "runs": 3, "ever": 3, "log_level": "error"} in lines
    database.is_away = False
    recorder.flush()
    assert database.rows == runs[3:]


async def test_nothing_is_lost_at_the_end() -> None:
    database = Database()
    recorder = RunRecorder(write=database.write, interval=3600)
    await recorder.start()
    runs = [record("organisation") for _ in range(700)]
    for run in runs:
        recorder.record(run)
    await recorder.stop(seconds=60)
    assert database.rows == runs


async def test_a_slow_write_blocks_nobody() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def write(_batch: Sequence[RunRecord]) -> None:
        entered.set()
        go_on.wait(30)

    recorder = RunRecorder(write=write, interval=0.01)
    await recorder.start()
    recorder.record(record("organisation"))
    await asyncio.to_thread(entered.wait, 30)
    recorder.record(record("organisation"))  # returns although the writer is stuck
    go_on.set()
    await recorder.stop(seconds=60)


def test_runs_that_wait_long_are_kept_in_files_and_written_from_there(tmp_path: Path) -> None:
    database, unwritten = Database(), UnwrittenRuns(tmp_path)
    recorder = RunRecorder(write=database.write, unwritten=unwritten, keep_every=0)
    runs = [record("organisation") for _ in range(1100)]
    database.is_away = True
    for run in runs:
        recorder.record(run)
    recorder.flush()
    assert len(unwritten.files()) == 3
    assert all(file.stat().st_mode & 0o077 == 0 for file in unwritten.files())
    database.is_away = False
    recorder.flush()
    assert database.rows == runs
    assert unwritten.files() == []


def test_few_runs_wait_in_memory_at_first(tmp_path: Path) -> None:
    database, unwritten = Database(), UnwrittenRuns(tmp_path)
    recorder = RunRecorder(write=database.write, unwritten=unwritten)
    database.is_away = True
    recorder.record(record("organisation"))
    recorder.flush()
    assert unwritten.files() == []


@pytest.mark.parametrize("hangs", [False, True], ids=["away", "hanging"])
async def test_runs_that_cannot_be_written_at_the_end_are_kept(
    tmp_path: Path, *, hangs: bool
) -> None:
    database, go_on = Database(), threading.Event()
    database.is_away = True

    def write(batch: Sequence[RunRecord]) -> None:
        if hangs:
            go_on.wait(30)
        database.write(batch)

    recorder = RunRecorder(write=write, unwritten=UnwrittenRuns(tmp_path), interval=0.01)
    await recorder.start()
    runs = [record("organisation") for _ in range(300)]
    for run in runs:
        recorder.record(run)
    began = time.monotonic()
    with structlog.testing.capture_logs() as lines:
        await recorder.stop(seconds=4)
    assert time.monotonic() - began < 8
    go_on.set()
    kept = [line for line in lines if line["event"] == "runs-kept-in-files"]
    assert [(line["runs"], line["lost"]) for line in kept] == [(300, 0)]

    later = Database()
    following = RunRecorder(write=later.write, unwritten=UnwrittenRuns(tmp_path))
    following.flush()
    assert later.rows == runs
    assert following.lost == 0


async def test_runs_are_written_if_the_database_returns_before_the_end(tmp_path: Path) -> None:
    database = Database()
    database.is_away = True
    unwritten = UnwrittenRuns(tmp_path)
    recorder = RunRecorder(write=database.write, unwritten=unwritten, interval=0.01)
    await recorder.start()
    run = record("organisation")
    recorder.record(run)
    stopping = asyncio.create_task(recorder.stop(seconds=30))
    await asyncio.sleep(0.1)
    database.is_away = False
    await stopping
    assert database.rows == [run]
    assert unwritten.files() == []


async def test_the_log_says_how_many_runs_are_lost_when_the_disk_is_full_too() -> None:
    database = Database()
    database.is_away = True
    recorder = RunRecorder(write=database.write, unwritten=FullDisk(), interval=0.01)
    await recorder.start()
    for _ in range(7):
        recorder.record(record("organisation"))
    with structlog.testing.capture_logs() as lines:
        await recorder.stop(seconds=0.5)
    assert {"event": "runs-lost", "runs": 7, "ever": 7, "log_level": "error"} in lines


def test_a_record_that_the_database_never_takes_does_not_stop_the_others(tmp_path: Path) -> None:
    database = Database()
    poison = record("organisation", media_type="\0")

    def write(batch: Sequence[RunRecord]) -> None:
        if poison in batch:
            raise DataError
        database.write(batch)

    recorder = RunRecorder(write=write, unwritten=UnwrittenRuns(tmp_path))
    runs = [record("organisation") for _ in range(10)]
    for run in (*runs[:5], poison, *runs[5:]):
        recorder.record(run)
    recorder.flush()
    assert database.rows == runs
    assert (recorder.lost, recorder.is_writing) == (1, True)


def test_files_are_read_although_lines_in_them_are_damaged_or_of_another_version(
    tmp_path: Path,
) -> None:
    unwritten = UnwrittenRuns(tmp_path)
    runs = [record("organisation", user_id="ada"), record("organisation", attempts=())]
    unwritten.keep(runs)
    (file,) = unwritten.files()
    first, second = file.read_text().splitlines()
    of_newer = first.replace('{"id"', '{"weather": "fine", "id"')
    file.write_text(f"{of_newer}\n{second[:40]}\nnonsense\n[]\n{second}\n")
    assert unwritten.read(file) == (runs, 3)


def test_the_files_have_a_limit(tmp_path: Path) -> None:
    unwritten = UnwrittenRuns(tmp_path, max_bytes=1000)
    unwritten.keep([record("organisation")])
    with pytest.raises(OSError, match="full"):
        unwritten.keep([record("organisation")] * 2)
    assert len(list(tmp_path.iterdir())) == 1


def test_rows_of_kept_runs_are_complete(cast: Cast, tmp_path: Path) -> None:
    unwritten = UnwrittenRuns(tmp_path)
    run = record(cast.harper.id, user_id=cast.carla.user_id, invoice_id=cast.open.id)
    unwritten.keep([run])
    RunRecorder(unwritten=unwritten).flush()
    row = Run.objects.get(id=run.id)
    assert (row.started_at, row.invoice_id) == (run.started_at, cast.open.id)
    assert row.attempts[0]["timing"]["wait"] == 8.0


def test_runs_older_than_their_organisation_keeps_them_are_deleted(cast: Cast) -> None:
    cast.harper.runs_kept_days = 10
    cast.harper.save()
    now = timezone.now()
    old, young = now - timedelta(days=11), now - timedelta(days=9)
    recorder = RunRecorder()
    for organisation, moment in (
        (cast.harper, old),
        (cast.harper, young),
        (cast.northwind, old),
    ):
        recorder.record(record(organisation.id, started_at=moment))
    recorder.flush()
    assert delete_old_runs(now=now) == 1
    assert set(Run.objects.values_list("organisation_id", "started_at")) == {
        (cast.harper.id, young),
        (cast.northwind.id, old),
    }
