"""Keeps one row and one log line for every run, without making any run wait for the database."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import structlog
from django.db import Error, close_old_connections, connections

from billhook.engine.answer.document import Document
from billhook.engine.errors import BillhookError
from billhook.engine.http.trace import OK, Trace
from billhook.engine.record import RunRecord, new_run_id
from billhook.engine.stop import SERVER_STOPPED, is_server_stop
from billhook.portal.installation.logs import log_each, name_of
from billhook.portal.runs.alerts import alert_members
from billhook.portal.runs.outcomes import CANCELLED, FAULT
from billhook.portal.runs.rows import write_or_leave_out, write_runs
from billhook.portal.runs.unwritten import UnwrittenRuns

log = structlog.get_logger("billhook.runs")

BATCH: Final = 500
INTERVAL: Final = 0.5
"""Seconds between two writes."""
IN_MEMORY: Final = 50_000
"""The most runs kept in memory while neither database nor disk takes any; the oldest are lost."""
TELL_EVERY: Final = 30.0
"""Seconds between two log lines that report that no runs can be written."""
KEEP_EVERY: Final = 5.0
"""Seconds for which records wait in memory, while the database takes none, before they are kept."""
_RETRY: Final = 0.2
_FOR_WRITING: Final = 0.8
"""The part of a stop's time for the database; the rest is for keeping what that hasn't taken."""


class RunRecorder:
    """Takes run records from any thread or task, and writes them in batches from its own thread.

    :meth:`record` neither blocks nor raises. What the database doesn't take is kept in files, also
    at :meth:`stop`, and written as soon as it does. If the disk takes no files either, records wait
    in memory; those beyond *in_memory*, or left at the end, are lost, counted and logged.
    """

    def __init__(
        self,
        *,
        write: Callable[[Sequence[RunRecord]], None] = write_runs,
        alert: Callable[[Sequence[RunRecord]], None] = alert_members,
        unwritten: UnwrittenRuns | None = None,
        interval: float = INTERVAL,
        in_memory: int = IN_MEMORY,
        tell_every: float = TELL_EVERY,
        keep_every: float = KEEP_EVERY,
    ) -> None:
        self.lost = 0
        self._write = write
        self._alert = alert
        self._unwritten = unwritten or UnwrittenRuns()
        self._interval = interval
        self._in_memory = in_memory
        self._tell_every = tell_every
        self._keep_every = keep_every
        self._kept_at = 0.0
        self._told = float("-inf")
        self._is_failing = False
        self._has_files = True  # those of an earlier process
        self._kept = 0
        self._new: deque[RunRecord] = deque()
        self._waiting: deque[RunRecord] = deque()
        self._flushing = threading.Lock()
        self._ended = threading.Event()
        self._end_at = 0.0
        self._thread: threading.Thread | None = None

    @property
    def is_writing(self) -> bool:
        """Whether the last write worked. A failed one is repeated until it works."""
        return not self._is_failing

    def record(self, run: RunRecord) -> None:
        """Take *run* in, to be logged and written within a second."""
        self._new.append(run)

    async def start(self) -> None:
        """Start writing."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="run-recorder", daemon=True)
        self._thread.start()

    async def stop(self, *, seconds: float) -> None:
        """Write the remaining runs, or keep them in files, and end within *seconds*."""
        seconds *= _FOR_WRITING
        self._end_at = time.monotonic() + seconds
        self._ended.set()
        try:
            if self._thread is not None:
                await asyncio.to_thread(self._thread.join, seconds)
                self._thread = None
        finally:
            self._leave_nothing()

    def flush(self) -> None:
        """Log and write everything taken in so far, in this thread."""
        with self._flushing:
            self._take_in()
            self._write_all()

    def _work(self) -> None:
        while not self._ended.wait(self._interval):
            self._turn()
        self._turn()
        while self._is_failing and time.monotonic() < self._end_at:
            time.sleep(min(self._interval, _RETRY))
            self._turn()
        connections.close_all()

    def _turn(self) -> None:
        try:
            self.flush()
        except Exception:
            log.exception("recorder-failed")
        finally:
            close_old_connections()

    def _take_in(self) -> None:
        while taken := self._taken():
            self._waiting += taken
            log_each(log, "run", [log_fields(run) for run in taken])

    def _taken(self) -> list[RunRecord]:
        """Take the next batch of new records; other threads may add to them meanwhile."""
        taken: list[RunRecord] = []
        with contextlib.suppress(IndexError):
            while len(taken) < BATCH:
                taken.append(self._new.popleft())
        return taken

    def _write_all(self) -> None:
        """Write what is in files and in memory; what can't be written soon goes into files."""
        try:
            self._write_files()
            while self._waiting:
                batch = list(islice(self._waiting, BATCH))
                write_or_leave_out(batch, self._write, self._lose)
                _forget(self._waiting, len(batch))
                self._alert(batch)
        except Error as error:
            self._note_failure(error)
        else:
            self._is_failing = False

    def _note_failure(self, error: Error) -> None:
        now = time.monotonic()
        if not self._is_failing:
            self._is_failing = True
            self._kept_at = now
        self._tell(error)
        if now - self._kept_at >= self._keep_every or len(self._waiting) >= BATCH:
            self._kept_at = now
            self._keep(self._waiting)
            self._lose_surplus()

    def _write_files(self) -> None:
        files = self._unwritten.files() if self._has_files else []
        for file in files:
            runs, unreadable = self._unwritten.read(file)
            if runs:
                write_or_leave_out(runs, self._write, self._lose)
            if unreadable:
                self._lose(unreadable)
            file.unlink(missing_ok=True)
        if files:
            log.info("kept-runs-written", files=len(files))
        self._has_files = False
        self._kept = 0

    def _keep(self, runs: deque[RunRecord]) -> None:
        """Move *runs* into files. If the disk takes no more, the rest stays."""
        try:
            while runs:
                batch = list(islice(runs, BATCH))
                self._unwritten.keep(batch)
                self._has_files = True
                self._kept += len(batch)
                _forget(runs, len(batch))
        except OSError as error:
            self._tell(error)

    def _lose_surplus(self) -> None:
        surplus = len(self._waiting) - self._in_memory
        if surplus > 0:
            _forget(self._waiting, surplus)
            self._lose(surplus)

    def _leave_nothing(self) -> None:
        """Keep in files what is left at the end, also by a thread that hangs; log what is lost."""
        self._take_in()
        left, self._waiting = self._waiting, deque()
        self._keep(left)
        if left:
            self._lose(len(left))
        if self._kept:
            log.warning("runs-kept-in-files", runs=self._kept, lost=len(left))

    def _lose(self, count: int) -> None:
        self.lost += count
        log.error("runs-lost", runs=count, ever=self.lost)

    def _tell(self, error: Exception) -> None:
        if time.monotonic() - self._told < self._tell_every:
            return
        self._told = time.monotonic()
        log.warning("runs-not-written", waiting=len(self._waiting), error=name_of(error))


def _forget(runs: deque[RunRecord], count: int) -> None:
    for _ in range(min(count, len(runs))):
        runs.popleft()


def log_fields(run: RunRecord) -> dict[str, Any]:
    """Return the fields of *run* for the log: constant keys, codes and numbers, never a value."""
    return {
        "run": run.id,
        "part_of": run.part_of,
        "organisation": run.organisation_id,
        "integration": run.integration_id,
        "command": run.command,
        "kind": run.kind,
        "outcome": run.outcome,
        "reason": run.reason,
        "attempts": len(run.attempts),
        "milliseconds": round(run.milliseconds, 1),
        "document_bytes": run.document_bytes,
        "media_type": run.media_type,
    }


class _CurrentRecorder:
    """The recorder that this process uses."""

    recorder = RunRecorder()


def get_recorder() -> RunRecorder:
    """Return this process's recorder."""
    return _CurrentRecorder.recorder


def set_recorder(recorder: RunRecorder) -> None:
    """Use another recorder in this process: for tests."""
    _CurrentRecorder.recorder = recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One use of a command that is about to happen: whose, which, why and by whom."""

    organisation_id: str
    integration_id: str | None
    command: str
    kind: str
    user_id: str | None = None
    invoice_id: str | None = None
    customer_id: str | None = None
    run_id: str = field(default_factory=new_run_id)
    part_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDocument:
    """A document, and when it was fetched, in seconds since 1970.

    ``reason``, a word of :mod:`billhook.portal.runs.outcomes`, says how a run got it if it didn't
    simply fetch it.
    """

    document: Document
    reason: str = ""
    fetched_at: float = field(default_factory=time.time)


async def run_recorded(
    use: RunContext, work: Callable[[Trace], Awaitable[FoundDocument]]
) -> FoundDocument:
    """Await *work* and return its result; one record is left, whatever the outcome."""
    with _recording(use) as run:
        run.found = found = await work(run.trace)
    return found


@contextlib.contextmanager
def recorded(use: RunContext) -> Iterator[Trace]:
    """Record the block, a run that gives no document, whatever its outcome."""
    with _recording(use) as run:
        yield run.trace


@dataclass(slots=True)
class _RecordedRun:
    """A run in progress, and the document that it found, if it found one."""

    trace: Trace = field(default_factory=Trace)
    found: FoundDocument | None = None


@contextlib.contextmanager
def _recording(use: RunContext) -> Iterator[_RecordedRun]:
    run = _RecordedRun()
    started_at, began = datetime.now(UTC), time.perf_counter()
    outcome, reason = FAULT, ""
    try:
        yield run
        outcome, reason = OK, run.found.reason if run.found else ""
    except BillhookError as error:
        outcome, reason = error.code, error.reason
        raise
    except asyncio.CancelledError as error:
        outcome, reason = CANCELLED, SERVER_STOPPED if is_server_stop(error) else ""
        raise
    finally:
        record = RunRecord(
            **_facts_of(use, run.found.document if run.found else None),
            outcome=outcome,
            reason=reason,
            attempts=run.trace.attempts,
            started_at=started_at,
            milliseconds=round((time.perf_counter() - began) * 1000, 3),
        )
        get_recorder().record(record)


def _facts_of(use: RunContext, document: Document | None) -> dict[str, Any]:
    return {
        "id": use.run_id,
        "organisation_id": use.organisation_id,
        "integration_id": use.integration_id,
        "command": use.command,
        "kind": use.kind,
        "user_id": use.user_id,
        "invoice_id": use.invoice_id,
        "customer_id": use.customer_id,
        "part_of": use.part_of,
        "document_bytes": document.size if document else 0,
        "media_type": document.media_type if document else "",
    }
