"""The hourly upkeep: deletes old runs, failed mail, and what has expired: rows and documents.

It works in steps with rests between them, so that runs are recorded meanwhile, and ends at a step
when the server stops. Of the processes of one machine only one is at it, and rows are deleted by
one node at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog
from django.db import Error, close_old_connections, connection, connections

from billhook.portal.accounts.services import forget_what_expired
from billhook.portal.api.services import forget_old_calls
from billhook.portal.customers.search_index import repair_search_index
from billhook.portal.documents.cache import document_cache
from billhook.portal.documents.held import shelf
from billhook.portal.downloads.services import forget_old_downloads
from billhook.portal.downloads.stored import stored_documents
from billhook.portal.events.services import forget_old_events
from billhook.portal.handover.services import forget_old_tokens
from billhook.portal.imports.jobs import resume_imports
from billhook.portal.imports.kept import kept_files
from billhook.portal.imports.services import forget_old_imports
from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path
from billhook.portal.installation.logs import name_of
from billhook.portal.invoices.kept_sums import compact_kept_sums, repair_kept_sums
from billhook.portal.jobs.services import forget_ended_jobs
from billhook.portal.limits.pace import Pace
from billhook.portal.mail.services import delete_old_mail
from billhook.portal.nodes.services import forget_dead_nodes
from billhook.portal.notices.bounces.jobs import begin_reading
from billhook.portal.notices.members.watch import begin_watching
from billhook.portal.notices.services import forget_old_mailings
from billhook.portal.paging.statistics import update_statistics
from billhook.portal.runs.retention import delete_old_runs

log = structlog.get_logger("billhook.upkeep")

EVERY: Final = 3600.0
"""Seconds between two rounds of upkeep."""
LOCK: Final = "upkeep.lock"
_LOCK_NUMBER: Final = 0x0B11_4007
"""The same for all nodes, in PostgreSQL."""
Task = Callable[[Pace], object]


def sweep_documents(pace: Pace) -> None:
    """Delete documents that have expired, also the copies that this node has."""
    shelves = (shelf(), kept_files(), document_cache(), stored_documents())
    for each in shelves:
        if pace.goes_on:
            each.sweep()


def forget_what_nodes_left(_pace: Pace) -> None:
    """Forget nodes that died long ago."""
    forget_dead_nodes()


def keep_lists_true_and_fast(pace: Pace) -> None:
    """Compare the kept sums and the search with the rows; let the database count its indexes."""
    for work in (compact_kept_sums, repair_kept_sums, repair_search_index):
        began = time.monotonic()
        work()
        if not pace.rest_after(time.monotonic() - began):
            return
    update_statistics(pace.rest_after)


TASKS: Final[Sequence[Task]] = (
    sweep_documents,
    delete_old_runs,
    delete_old_mail,
    forget_old_mailings,
    begin_watching,
    begin_reading,
    forget_what_expired,
    forget_old_tokens,
    forget_old_imports,
    forget_old_downloads,
    resume_imports,
    forget_ended_jobs,
    forget_old_calls,
    forget_old_events,
    forget_what_nodes_left,
    keep_lists_true_and_fast,
)
_OF_EACH_NODE: Final = frozenset({sweep_documents})


class Upkeep:
    """Runs *tasks* when the server starts and every hour after that, in its own thread.

    A task that fails because the database is away is logged, and runs again in the next round.
    """

    def __init__(self, tasks: Sequence[Task] = TASKS, *, every: float = EVERY) -> None:
        self._tasks = tasks
        self._every = every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Begin the first round."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)
        self._thread.start()

    async def stop(self, *, seconds: float) -> None:
        """Finish the step in hand, and end."""
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, seconds)
            self._thread = None

    def _work(self) -> None:
        self._round()
        while not self._ended.wait(self._every):
            self._round()
        connections.close_all()

    def _round(self) -> None:
        pace = Pace(self._ended)
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(data_path(LOCK).open("a"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return  # another process is at it, or the disk is full
            is_alone = stack.enter_context(_alone())
            for task in self._tasks:
                if pace.goes_on and (is_alone or task in _OF_EACH_NODE):
                    _attempt(task, pace)


@contextlib.contextmanager
def _alone() -> Iterator[bool]:
    """Hold a lock that one node can have; say whether it is this one."""
    if not environment.current().database_url:
        yield True
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_NUMBER])
            is_alone: bool = cursor.fetchone()[0]
    except Error as error:
        log.warning("upkeep-failed", task="lock", error=name_of(error))
        is_alone = False
    try:
        yield is_alone
    finally:
        connections.close_all()  # and PostgreSQL takes the lock back


def _attempt(task: Task, pace: Pace) -> None:
    name = getattr(task, "__name__", "")
    try:
        task(pace)
    except Error as error:
        log.warning("upkeep-failed", task=name, error=name_of(error))
    except Exception:
        log.exception("upkeep-failed", task=name)
    finally:
        close_old_connections()
