"""Old rows are deleted when the server starts and every hour, and no failure ends that."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError
from structlog.testing import capture_logs

from billhook.server.upkeep import TASKS, Upkeep


async def _run(upkeep: Upkeep, until: threading.Event) -> None:
    await upkeep.start()
    try:
        assert until.wait(30)
    finally:
        await upkeep.stop()


async def test_each_task_runs_at_the_start() -> None:
    ran: list[str] = []
    ended = threading.Event()

    def last() -> None:
        ran.append("last")
        ended.set()

    await _run(Upkeep([lambda: ran.append("first"), last]), ended)
    assert ran == ["first", "last"]


async def test_the_tasks_run_again_after_the_interval() -> None:
    rounds: list[int] = []
    third = threading.Event()

    def task() -> None:
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

    def fail() -> None:
        raise error

    def last() -> None:
        ended.set()

    with capture_logs() as lines:
        await _run(Upkeep([fail, last]), ended)
    assert [(line["event"], line["task"]) for line in lines] == [("upkeep-failed", "fail")]
    assert "secret-table" not in str(lines[0].get("error"))


def test_the_server_deletes_old_runs_and_expired_rows() -> None:
    names = [task.__name__ for task in TASKS]
    assert names == ["delete_old_runs", "delete_old_mail", "forget_what_expired"]
