"""Jobs next to the server: its own processes do them, and thousands that wait slow no VIEW."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from server.jobs.nodes import Installation, Node, is_done, wait_until
from server.serving_process import allowing, seed

PRODUCT_BOUND = 5.0
"""Seconds that no VIEW may take, however busy the machine; it takes milliseconds on an idle one."""
WAITING = 10_000


@pytest.fixture(scope="module")
def seeded(tmp_path_factory, source, database_url):
    folder = tmp_path_factory.mktemp("serving") / "data"
    settings = {"BILLHOOK_DATABASE_URL": database_url} if database_url else {}
    return folder, seed(folder, source, **settings), settings


@pytest.fixture(scope="module")
def job_installation(seeded, database_url):
    installation = Installation(seeded[0], database_url)
    yield installation
    installation.close()


def children_of(process: int) -> list[int]:
    listed = ["ps", "-o", "pid=", "--ppid", str(process)]
    found = subprocess.run(listed, capture_output=True, text=True, check=False).stdout
    return list(map(int, found.split()))


def test_the_server_starts_processes_for_jobs_again_and_ends_them(
    serve, source, seeded, job_installation
):
    folder, _, settings = seeded
    serving = serve(folder, BILLHOOK_JOB_PROCESSES="1", **allowing(source), **settings)
    first = job_installation.ask("enqueue", kind="import", subject="none-1")
    job_installation.wait_until(first, is_done)
    counted = b'billhook_job_turns_total{kind="import",result="done"} '
    wait_until(lambda: counted + b"1.0" in serving.ask("GET", "/metrics")[1])
    (main,) = children_of(serving.process.pid)
    os.kill(main, signal.SIGKILL)
    second = job_installation.ask("enqueue", kind="import", subject="none-2")
    job_installation.wait_until(second, is_done)
    wait_until(lambda: counted + b"2.0" in serving.ask("GET", "/metrics")[1])
    (main,) = children_of(serving.process.pid)
    processes = [main, *children_of(main)]
    assert serving.stop()[0] == 0
    # The process that reaps an orphan may take a moment.
    assert wait_until(lambda: not [each for each in processes if Path(f"/proc/{each}").exists()])


def test_thousands_of_jobs_that_wait_slow_no_view(
    serve, source, seeded, job_installation, tmp_path
):
    folder, facts, settings = seeded
    serving = serve(folder, **allowing(source), **settings)
    job_installation.ask("fill", count=WAITING)
    node = Node(job_installation, tmp_path / "log")
    try:
        wait_until(lambda: job_installation.ask("done") > 2)
        seconds = []
        for _ in range(30):
            began = time.monotonic()
            assert serving.view(facts)[0].status == 200
            seconds.append(time.monotonic() - began)
    finally:
        node.end()
    assert max(seconds) < PRODUCT_BOUND
    assert job_installation.ask("waiting") > WAITING / 2
