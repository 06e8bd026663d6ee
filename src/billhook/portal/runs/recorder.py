"""Keeps one row and one log line for every run, without making any run wait for the database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import Error, close_old_connections, connections

from billhook.engine.answer.document import Document
from billhook.engine.errors import BillhookError, reason_of
from billhook.engine.http.trace import OK, Trace
from billhook.engine.record import RunRecord, new_run_id
from billhook.portal.installation.logs import name_of, written_together
from billhook.portal.runs.outcomes import CANCELLED, FAULT
from billhook.portal.runs.rows import write_runs

log = structlog.get_logger("billhook.runs")

BATCH: Final = 500
INTERVAL: Final = 0.5
"""Seconds between two writes."""
KEPT_WHILE_AWAY: Final = 50_000
"""The most runs kept in memory while the database is away; beyond that, the oldest are lost."""
TELL_EVERY: Final = 30.0
"""Seconds between two log lines that report that no runs can be written."""


class RunRecorder:
    """Takes run records from any thread or task, and writes them in batches from its own thread.

    :meth:`record` neither blocks nor raises. Nothing is lost at :meth:`stop`. While the database is
    away, records wait in memory; beyond *kept* the oldest are dropped, counted and logged.
    """

    def __init__(
        self,
        *,
        write: Callable[[Sequence[RunRecord]], None] = write_runs,
        interval: float = INTERVAL,
        kept: int = KEPT_WHILE_AWAY,
        tell_every: float = TELL_EVERY,
    ) -> None:
        self.lost = 0
        self._write = write
        self._interval = interval
        self._kept = kept
        self._tell_every = tell_every
        self._told = float("-inf")
        self._is_failing = False
        self._new: deque[RunRecord] = deque()
        self._waiting: deque[RunRecord] = deque()
        self._flushing = threading.Lock()
        self._ended = threading.Event()
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

    async def stop(self) -> None:
        """Write the remaining runs, and end."""
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def flush(self) -> None:
        """Log and write everything taken in so far, in this thread."""
        with self._flushing:
            with written_together():
                self._take_in()
            self._write_all()

    def _work(self) -> None:
        while not self._ended.wait(self._interval):
            self._turn()
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
        while self._new:
            run = self._new.popleft()
            log.info("run", **log_fields(run))
            self._waiting.append(run)
        surplus = len(self._waiting) - self._kept
        if surplus > 0:
            self._drop(surplus)

    def _drop(self, surplus: int) -> None:
        for _ in range(surplus):
            self._waiting.popleft()
        self.lost += surplus
        log.error("runs-lost", runs=surplus, ever=self.lost)

    def _write_all(self) -> None:
        while self._waiting:
            batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
            try:
                self._write(batch)
            except Error as error:
                self._is_failing = True
                self._tell(error)
                return
            self._is_failing = False
            for _ in batch:
                self._waiting.popleft()

    def _tell(self, error: Error) -> None:
        if time.monotonic() - self._told < self._tell_every:
            return
        self._told = time.monotonic()
        log.warning("runs-not-written", waiting=len(self._waiting), error=name_of(error))


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
    trace = Trace()
    started_at, began = datetime.now(UTC), time.perf_counter()
    outcome, reason, document = FAULT, "", None
    try:
        found = await work(trace)
        outcome, reason, document = OK, found.reason, found.document
    except BillhookError as error:
        outcome, reason = error.code, reason_of(error)
        raise
    except asyncio.CancelledError:
        outcome = CANCELLED
        raise
    finally:
        record = RunRecord(
            **_facts_of(use, document),
            outcome=outcome,
            reason=reason,
            attempts=trace.attempts,
            started_at=started_at,
            milliseconds=round((time.perf_counter() - began) * 1000, 3),
        )
        get_recorder().record(record)
    return found


def _facts_of(use: RunContext, document: Document | None) -> dict[str, Any]:
    return {
        "id": use.run_id,
        "organisation_id": use.organisation_id,
        "integration_id": use.integration_id,
        "command": use.command,
        "kind": use.kind,
        "user_id": use.user_id,
        "invoice_id": use.invoice_id,
        "part_of": use.part_of,
        "document_bytes": document.size if document else 0,
        "media_type": document.media_type if document else "",
    }
