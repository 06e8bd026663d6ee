"""The job processes of ``billhook serve``: started with it, again when they die, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Final

import structlog

from billhook.portal.installation import environment

log = structlog.get_logger("billhook.server")

_LOOK_EVERY: Final = 0.5
_PAUSE: Final = 2.0
"""Seconds between the death of the process and the start of another."""


class JobProcesses:
    """Keeps the main process for jobs running, as a part of the server."""

    def __init__(self) -> None:
        self._counters = tempfile.TemporaryDirectory(prefix="billhook-job-counters-")
        self._shared_counters = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of_settings(cls) -> JobProcesses | None:
        """Return the processes that the settings ask for; None if there are none."""
        return cls() if environment.current().job_processes else None

    @property
    def counters(self) -> str:
        """The folder with the counters of the processes."""
        return self._shared_counters or self._counters.name

    async def start(self) -> None:
        """Begin."""
        self.begin()

    async def stop(self, *, seconds: float) -> None:
        """Let the turns in progress end within *seconds*."""
        await asyncio.to_thread(self.end, seconds)

    def begin(self, counters: str = "") -> None:
        """Start the process, with a folder for its *counters*, and watch it from a thread."""
        self._shared_counters = counters
        self._thread = threading.Thread(target=self._watch, name="job-processes", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Ask the processes to stop, without waiting. For a signal handler."""
        self._stop.set()
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)

    def end(self, seconds: float) -> None:
        """Wait for the turns in progress, at most *seconds*, and end all processes."""
        self.ask_to_stop()
        if self._thread is not None:
            self._thread.join(seconds)
        process = self._process
        if process is not None and process.poll() is None:
            log.warning("job-processes-killed")
            process.kill()  # those forked from it end with it
            process.wait()
        self._counters.cleanup()

    def _watch(self) -> None:
        alive, ours = os.pipe()
        try:
            while not self._stop.is_set():
                self._process = self._start(alive)
                self._await_end(self._process)
        finally:
            os.close(alive)
            os.close(ours)

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        if self._stop.is_set():
            process.terminate()  # asked to stop before it was there
        process.wait()
        if not self._stop.is_set():
            log.error("job-processes-died", status=process.returncode)
            self._stop.wait(_PAUSE)

    def _start(self, alive: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own module, with a number
            [sys.executable, "-m", "billhook.server.jobs.process", str(alive)],
            pass_fds=(alive,),
            process_group=0,  # Ctrl+C is for the server, which stops them
            env=environment.for_child(
                NOTIFY_SOCKET="", WATCHDOG_USEC="", PROMETHEUS_MULTIPROC_DIR=self.counters
            ),
        )
