"""Nodes that work on jobs, each a group of processes, and an installation that they share."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from os import environ, killpg  # noqa: TID251 - processes get it, without our settings
from pathlib import Path
from typing import Any

import forked

HERE = Path(__file__).parent
LEASE = 6
"""Seconds; short, so that a test needn't wait long."""


class Installation:
    """A database of its own, in which a helper enqueues and looks."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.settings = {
            "BILLHOOK_DATA_DIR": str(folder),
            "BILLHOOK_DATABASE_URL": database_url,
            "BILLHOOK_JOB_LEASE_SECONDS": str(LEASE),
            "BILLHOOK_LOG_FORMAT": "json",
            "PYTHONPATH": str(HERE.parents[1]),
        }
        self._helper = forked.start(
            [sys.executable, HERE / "remote.py"],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in environ.items() if not name.startswith("BILLHOOK_")}
        return kept | self.settings | more

    def ask(self, name: str, **facts: Any) -> Any:
        """Call a function of the helper."""
        print(json.dumps([name, facts]), file=self._helper.stdin, flush=True)
        return json.loads(self._helper.stdout.readline())

    def wait_until(self, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the job once *is_so*."""
        until = time.monotonic() + 60
        while not is_so(job := self.ask("look", job_id=job_id)):
            assert time.monotonic() < until, job
            time.sleep(0.05)
        return job

    def close(self) -> None:
        self._helper.communicate(timeout=60)


class Node:
    """The processes of ``billhook work`` with the tests' kinds of jobs."""

    def __init__(self, installation: Installation, log: Path, **settings: str) -> None:
        self.log = log
        with log.open("a") as written:
            self.process = forked.start(
                [sys.executable, HERE / "working_process.py"],
                env=installation.environment(BILLHOOK_JOB_PROCESSES="1", **settings),
                stdout=written,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def processes(self) -> list[int]:
        """Return the numbers of all processes of the group that aren't zombies."""
        listed = ["ps", "-eo", "pid=,pgid=,stat="]
        lines = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in lines.splitlines()]
        group = str(self.process.pid)
        return [int(pid) for pid, pgid, state in rows if pgid == group and "Z" not in state]

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every process of the node, as a frozen machine would stop them."""
        killpg(self.process.pid, number)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines with *event*."""
        written = self.log.read_text().splitlines()
        lines = [json.loads(line) for line in written if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def end(self) -> None:
        if self.processes():
            self.signal_all(signal.SIGKILL)
        self.process.wait(60)


def wait_until(is_so: Callable[[], Any]) -> Any:
    """Return the result of *is_so* once it is true."""
    until = time.monotonic() + 60
    while not (found := is_so()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def is_done(job: dict[str, Any]) -> bool:
    return job["state"] == "done"


def has_begun(job: dict[str, Any]) -> bool:
    return job["done"] >= 3


def results(node: Node, job_id: str) -> list[str]:
    """Return the results of the turns of a job that a node did."""
    return [line["result"] for line in node.lines("job-turn") if line["job"] == job_id]


def begin_long_work(installation: Installation, subject: str) -> tuple[str, int]:
    """Have a job begun that takes a second; return it with its process, in the middle."""
    job_id = installation.ask("enqueue", kind="long", subject=subject)
    job = installation.wait_until(job_id, lambda job: job["note"])
    time.sleep(0.3)
    return job_id, int(job["note"].removeprefix("Process "))
