"""``billhook serve`` reports to its service manager, here a real datagram socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket  # noqa: TID251 - the manager's side
import struct
import time
from pathlib import Path

import pytest

from billhook.server.service_manager import ServiceManager
from billhook.server.worker_reports import WorkerReports
from migrated import put_tables
from server.serving_process import Serving

SECONDS = 60


class Manager:
    """The side of systemd: a datagram socket that notes each report with its sender."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(self.address)
        self.socket.settimeout(SECONDS)

    def next(self) -> tuple[int, list[str]]:
        """Return who sent the next report, and its lines."""
        report, [(_, _, credentials)], _, _ = self.socket.recvmsg(4096, 64)
        return struct.unpack("3i", credentials[:12])[0], report.decode().splitlines()

    def wait_for(self, line: str) -> tuple[int, list[list[str]]]:
        """Return who sent *line*, and every report up to it."""
        reports = []
        while True:
            sender, lines = self.next()
            reports.append(lines)
            if line in lines:
                return sender, reports

    def has_nothing(self) -> bool:
        """Return whether no report is waiting."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(SECONDS)
        return False


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.socket.close()


@pytest.fixture
def serve(tmp_path):
    with contextlib.ExitStack() as servers:

        def serve_one(*options, **environment):
            put_tables(tmp_path / "data")
            serving = Serving(tmp_path / "data", *options, **environment)
            servers.callback(serving.stop, signal.SIGKILL)
            return serving

        yield serve_one


def children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.parametrize("workers", ["1", "2"], ids=["one process", "two workers"])
def test_it_reports_the_database_then_ready_then_stopping_from_its_main_process(
    serve, manager, workers
):
    serving = serve("--workers", workers, NOTIFY_SOCKET=manager.address)
    sender, before = manager.wait_for("READY=1")
    serving.process.send_signal(signal.SIGTERM)
    stopper, _ = manager.wait_for("STOPPING=1")

    assert before[0] == ["STATUS=Bringing the database up to date"]
    assert sender == stopper == serving.process.pid
    assert serving.process.wait(SECONDS) == 0
    assert manager.has_nothing()


def test_it_responds_once_it_has_reported_that_it_is_ready(serve, manager):
    serving = serve("--workers", "2", NOTIFY_SOCKET=manager.address)
    manager.wait_for("READY=1")

    assert serving.ask("GET", "/readyz")[0].status == 200


@pytest.mark.parametrize("workers", ["1", "2"], ids=["one process", "two workers"])
def test_it_reports_that_it_is_alive_if_the_manager_is_watching(serve, manager, workers):
    serving = serve(
        "--workers",
        workers,
        NOTIFY_SOCKET=manager.address,
        WATCHDOG_USEC="1000000",
        WATCHDOG_PID="",
    )
    manager.wait_for("READY=1")

    for _ in range(5):
        assert manager.next() == (serving.process.pid, ["WATCHDOG=1"])


def test_it_reports_nothing_if_the_manager_is_watching_another_process(serve, manager):
    watched = {"WATCHDOG_USEC": "1", "WATCHDOG_PID": str(os.getpid())}
    serving = serve(NOTIFY_SOCKET=manager.address, **watched)
    manager.wait_for("READY=1")
    serving.process.send_signal(signal.SIGTERM)
    _, reports = manager.wait_for("STOPPING=1")

    assert len(reports) == 1


def test_a_worker_that_hangs_is_replaced_and_the_others_go_on(serve, manager):
    serving = serve("--workers", "2", NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="2000000")
    manager.wait_for("READY=1")
    before = children(serving.process.pid)
    hung = min(before)
    os.kill(hung, signal.SIGSTOP)
    while len(children(serving.process.pid) - before) < 1:
        assert manager.next() == (serving.process.pid, ["WATCHDOG=1"])

    status, errors = serving.stop()
    assert status == 0
    assert errors.count("worker-hung") == 1
    assert not Path(f"/proc/{hung}").exists()


def test_a_missing_manager_does_not_prevent_it_from_serving(serve, tmp_path):
    serving = serve(NOTIFY_SOCKET=str(tmp_path / "nobody"), WATCHDOG_USEC="1000000")

    assert serving.ask("GET", "/healthz")[0].status == 200
    assert serving.stop() == (0, "")


@pytest.mark.parametrize("value", ["", "0", "soon", "-1", "²"])
def test_a_watchdog_without_a_valid_time_is_ignored(value, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", value)

    assert ServiceManager.of_this_process().limit == 0


def test_a_blocked_event_loop_falls_silent(manager):
    process = ServiceManager(address=manager.address, limit=0.06)

    async def block() -> bool:
        process.watch(asyncio.get_running_loop())
        manager.next()
        time.sleep(0.3)  # noqa: ASYNC251 - it blocks on purpose
        return manager.has_nothing()

    assert asyncio.run(block())


def test_reports_reach_an_abstract_socket_address():
    reports = WorkerReports()
    worker = ServiceManager(address=reports.address)

    worker.status("Starting")
    reports.receive()
    early = reports.are_ready([os.getpid()])
    worker.ready("Serving")
    reports.receive()

    assert not early
    assert reports.are_ready([os.getpid()])
    reports.forget(os.getpid())
    assert not reports.are_ready([os.getpid()])
    reports.close()
