"""The hourly upkeep: deletes old runs, failed mail, and sessions and limits that have expired."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from django.db import Error, close_old_connections, connections

from billhook.portal.accounts.services import forget_what_expired
from billhook.portal.installation.logs import name_of
from billhook.portal.mail.services import delete_old_mail
from billhook.portal.runs.retention import delete_old_runs

log = structlog.get_logger("billhook.upkeep")

EVERY: Final = 3600.0
"""Seconds between two rounds of upkeep."""
TASKS: Final[Sequence[Callable[[], object]]] = (
    delete_old_runs,
    delete_old_mail,
    forget_what_expired,
)


class Upkeep:
    """Runs *tasks* when the server starts and every hour after that, in its own thread.

    A task that fails because the database is away is logged, and runs again in the next round.
    """

    def __init__(
        self, tasks: Sequence[Callable[[], object]] = TASKS, *, every: float = EVERY
    ) -> None:
        self._tasks = tasks
        self._every = every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Begin the first round."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish the task that is running, and end."""
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _work(self) -> None:
        self._round()
        while not self._ended.wait(self._every):
            self._round()
        connections.close_all()

    def _round(self) -> None:
        for task in self._tasks:
            if not self._ended.is_set():
                _attempt(task)


def _attempt(task: Callable[[], object]) -> None:
    name = getattr(task, "__name__", "")
    try:
        task()
    except Error as error:
        log.warning("upkeep-failed", task=name, error=name_of(error))
    except Exception:
        log.exception("upkeep-failed", task=name)
    finally:
        close_old_connections()
