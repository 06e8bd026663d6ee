"""Several server processes on one listening socket, each started again when it dies."""

from __future__ import annotations

import os
import signal
import socket  # noqa: TID251 - for the type of the listening socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import structlog
from prometheus_client.multiprocess import mark_process_dead

from billhook.portal.installation import environment
from billhook.server.errors import CANNOT_START, CannotStart
from billhook.server.jobs.child import JobProcesses
from billhook.server.service_manager import ServiceManager
from billhook.server.worker_reports import WorkerReports

log = structlog.get_logger("billhook.server")

_LOOK_EVERY: Final = 0.2
_PAUSE: Final = 1.0
"""Seconds between the deaths of workers and the start of others."""
_GRACE: Final = 3
"""Seconds beyond the workers' own time for stopping, after which they are killed."""


class Supervisor:
    """Keeps *count* workers running until it is stopped, and the processes for *jobs*."""

    def __init__(
        self, count: int, listening: socket.socket, jobs: JobProcesses | None = None
    ) -> None:
        self._jobs = jobs
        self._count = count
        self._listening = listening
        self._stop = threading.Event()
        self._workers: set[subprocess.Popen[bytes]] = set()
        self._reports = WorkerReports()
        self._manager = ServiceManager.of_this_process()
        self._is_ready = False

    def run(self) -> None:
        """Run workers until SIGTERM or SIGINT, then stop them and return.

        Raises:
            CannotStart: when a worker died at its start; why, is in the log.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        # Workers read from the pipe: when this process dies in whatever way, they see its end.
        alive, ours = os.pipe()
        with tempfile.TemporaryDirectory(prefix="billhook-counters-") as counters:
            try:
                if self._jobs is not None:
                    self._jobs.begin(counters)
                self._keep_running(alive, Path(counters))
            finally:
                self._manager.stopping()
                self._end_all()
                self._reports.close()
                os.close(alive)
                os.close(ours)

    def _keep_running(self, alive: int, counters: Path) -> None:
        while not self._stop.is_set():
            while len(self._workers) < self._count:
                self._workers.add(self._start_worker(alive, counters))
            self._stop.wait(_LOOK_EVERY)
            self._hear_workers()
            if self._remove_dead(counters):
                self._stop.wait(_PAUSE)

    def _start_worker(self, alive: int, counters: Path) -> subprocess.Popen[bytes]:
        descriptors = (self._listening.fileno(), alive)
        command = [sys.executable, "-m", "billhook.server.worker", *map(str, descriptors)]
        return subprocess.Popen(  # noqa: S603 - our own module, with two numbers
            command,
            pass_fds=descriptors,
            env=environment.for_child(
                PROMETHEUS_MULTIPROC_DIR=str(counters),
                NOTIFY_SOCKET=self._reports.address,
                WATCHDOG_PID="",
            ),
        )

    def _hear_workers(self) -> None:
        """Pass on that all are ready and this process is alive; end workers that are hung."""
        self._reports.receive()
        self._manager.alive()
        if not self._is_ready and self._reports.are_ready(worker.pid for worker in self._workers):
            self._is_ready = True
            self._manager.ready(f"Serving with {self._count} workers")
        for worker in self._workers if self._manager.limit else ():
            if self._reports.is_silent(worker.pid, limit=self._manager.limit):
                log.error("worker-hung")
                worker.kill()
                worker.wait()

    def _remove_dead(self, counters: Path) -> bool:
        """Forget workers that have died, and return whether there were any."""
        dead = {worker for worker in self._workers if worker.poll() is not None}
        self._workers -= dead
        for worker in dead:
            self._reports.forget(worker.pid)
            mark_process_dead(worker.pid, path=str(counters))  # type: ignore[no-untyped-call]
            log.error("worker-died", status=worker.returncode)
            if worker.returncode == CANNOT_START:
                raise CannotStart("A worker could not start; see the lines above.")
        return bool(dead)

    def _end_all(self) -> None:
        for worker in self._workers:
            worker.terminate()
        if self._jobs is not None:
            self._jobs.ask_to_stop()
        patience = time.monotonic() + environment.current().stop_seconds + _GRACE
        for worker in self._workers:
            try:
                worker.wait(max(0.0, patience - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        if self._jobs is not None:
            self._jobs.end(max(0.0, patience - time.monotonic()))
