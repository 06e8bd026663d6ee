"""Old rows are deleted when the server starts and every hour, and no failure ends that."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from structlog.testing import capture_logs

from billhook.engine.body import Body
from billhook.portal.installation.data_folder import data_path
from billhook.portal.limits.pace import Pace
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.shelf import Holder
from billhook.server import upkeep as upkeep_module
from billhook.server.upkeep import LOCK, TASKS, Upkeep, sweep_documents
from server.serving_process import recorded


async def _run(upkeep: Upkeep, until: threading.Event) -> None:
    await upkeep.start()
    try:
        assert until.wait(30)
    finally:
        await upkeep.stop(seconds=60)


async def test_each_task_runs_at_the_start() -> None:
    ran: list[str] = []
    ended = threading.Event()

    def last(_: Pace) -> None:
        ran.append("last")
        ended.set()

    await _run(Upkeep([lambda _: ran.append("first"), last]), ended)
    assert ran == ["first", "last"]


async def test_the_tasks_run_again_after_the_interval() -> None:
    rounds: list[int] = []
    third = threading.Event()

    def task(_: Pace) -> None:
        rounds.append(1)
        if len(rounds) == 3:
            third.set()

    await _run(Upkeep([task], every=0.001), third)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OperationalError("secret-table"), id="the-database-is-away"),
        pytest.param(ValueError("secret-table"), id="a-fault"),
    ],
)
async def test_a_failed_task_is_logged_and_does_not_stop_the_others(error: Exception) -> None:
    ended = threading.Event()

    def fail(_: Pace) -> None:
        raise error

    def last(_: Pace) -> None:
        ended.set()

    with capture_logs() as lines:
        await _run(Upkeep([fail, last]), ended)
    assert [(line["event"], line["task"]) for line in lines] == [("upkeep-failed", "fail")]
    assert "secret-table" not in str(lines[0].get("error"))


def test_the_server_deletes_old_runs_and_expired_rows() -> None:
    names = [task.__name__ for task in TASKS]
    assert names == [
        "sweep_documents",
        "delete_old_runs",
        "delete_old_mail",
        "forget_old_mailings",
        "begin_watching",
        "begin_reading",
        "forget_what_expired",
        "forget_old_tokens",
        "forget_old_imports",
        "forget_old_downloads",
        "resume_imports",
        "forget_ended_jobs",
        "forget_old_calls",
        "forget_old_events",
        "forget_what_nodes_left",
        "keep_lists_true_and_fast",
    ]


async def test_only_one_process_of_a_machine_is_at_it() -> None:
    ran = threading.Event()

    def task(_: Pace) -> None:
        ran.set()

    with data_path(LOCK).open("a") as held_by_another:
        fcntl.flock(held_by_another, fcntl.LOCK_EX)
        upkeep = Upkeep([task], every=0.05)
        await upkeep.start()
        assert not ran.wait(0.3)
    assert ran.wait(30)
    await upkeep.stop(seconds=60)


def test_documents_of_an_earlier_start_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [FolderShelf(tmp_path / name, kept_seconds=0.0) for name in ("held", "uploads")]
    for each in left:
        each.hold(Body(b"left"), Holder(user_id="", subject="", organisation_id=""))
        each.close()
    monkeypatch.setattr(upkeep_module, "shelf", lambda: left[0])
    monkeypatch.setattr(upkeep_module, "kept_files", lambda: left[1])
    sweep_documents(Pace())
    assert [list((tmp_path / name).iterdir()) for name in ("held", "uploads")] == [[], []]


def insert_old_runs(data: Path, count: int) -> None:
    """Add runs of long ago, which the next upkeep deletes."""
    with contextlib.closing(sqlite3.connect(data / "billhook.sqlite3")) as database, database:
        organisation = database.execute("SELECT id FROM organisations_organisation").fetchone()[0]
        database.executemany(
            "INSERT INTO runs_run (id, organisation_id, command, kind, outcome, reason, attempts,"
            " started_at, milliseconds, document_bytes, media_type, part_of)"
            " VALUES (?, ?, 'C', 'api', 'old', '', '[]', '2020-01-01 00:00:00', 1, 0, '', '')",
            ((f"{number:012d}", organisation) for number in range(count)),
        )


def test_runs_are_recorded_while_old_ones_are_deleted_and_a_stop_does_not_wait_for_that(
    start: Any,
) -> None:
    insert_old_runs(start.data, 100_000)
    serving, seeded = start()
    serving.run(seeded)
    until = time.monotonic() + 10
    while ("ok", "") not in (now := recorded(start.data)) and time.monotonic() < until:
        time.sleep(0.1)
    began = time.monotonic()
    status, _ = serving.stop()

    assert ("ok", "") in now
    assert 0 < now.count(("old", "")) < 100_000
    assert status == 0
    assert time.monotonic() - began < 5
