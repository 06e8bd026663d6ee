"""The time that a stop may take: no hanging thread, database or mail server makes it longer."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from typing import Final

import structlog

log = structlog.get_logger("billhook.server")

_MOST_RESERVE: Final = 3.0
_REPORT_SECONDS: Final = 0.5
_LAST_RESORT: Final = 2.0
"""Seconds after the end of the time; then not even Python runs any more."""


class StopClock:
    """The time of one stop: first for the runs in progress, then for writing what they left."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at: float | None = None

    def start(self) -> None:
        """Let the time run, unless it does already."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._seconds

    @property
    def left(self) -> float:
        """The seconds until the stop must be over."""
        self.start()
        return max(0.0, (self._ends_at or 0.0) - time.monotonic())

    @property
    def left_for_runs(self) -> float:
        """The seconds until the runs in progress are cut off, so that they can be recorded."""
        return max(0.0, self.left - min(_MOST_RESERVE, self._seconds / 2))

    def end_process_in_time(self) -> None:
        """Let the time run, and end this process with it, whatever hangs then."""
        if self._ends_at is not None:
            return
        timer = threading.Timer(self.left, _end_process)
        timer.daemon = True
        timer.start()
        faulthandler.dump_traceback_later(self._seconds + _LAST_RESORT, exit=True)


def _end_process() -> None:
    names = [thread.name for thread in threading.enumerate()]
    report = threading.Thread(target=_report, args=(names,), daemon=True)
    report.start()
    report.join(_REPORT_SECONDS)  # nobody may read the log any more
    os._exit(0)


def _report(names: list[str]) -> None:
    log.error("stop-forced", threads=names)
    sys.stdout.flush()
    sys.stderr.flush()
