"""The engine, django-q2: a ticket in its table of the same database says that a turn is due.

Tickets hold nothing but the id of a job. A lost one is given again (:mod:`.dispatch`), and one that
comes twice changes nothing (:mod:`.lease`).
"""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from django.db import Error, connections
from django.db.models import QuerySet
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from billhook.portal.installation.logs import Seldom, name_of
from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.models import Job

log = structlog.get_logger("billhook.jobs")

RUN: Final = "billhook.portal.jobs.run.take_ticket"
"""The function that a ticket calls."""
_PAUSE: Final = 1.0
"""Seconds before the engine looks for tickets again, while the database is away."""
_seldom = Seldom(60.0)


class TicketBroker(ORM):  # type: ignore[misc] # django-q2 has no types
    """The engine's way to its table. A database that is away for a while ends no process."""

    ticket: int
    """The key of the row that was written last."""

    def enqueue(self, task: str) -> int:
        """Write a row for *task*."""
        self.ticket = super().enqueue(task)
        return self.ticket

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Return the next tickets; wait a little if there are none."""
        try:
            found: list[tuple[int, str]] | None = super().dequeue()
        except Error as error:
            _wait_for_database(error)
            return None
        return found

    def acknowledge(self, task_id: int) -> None:
        """Delete a ticket. One that can't be deleted now comes twice, which changes nothing."""
        try:
            super().acknowledge(task_id)
        except Error as error:
            _wait_for_database(error)


def _wait_for_database(error: Error) -> None:
    if _seldom.now():
        log.warning("tickets-unread", error=name_of(error))
    connections.close_all()
    time.sleep(_PAUSE)


def give_ticket(job: Job) -> None:
    """Write a ticket for the next turn of *job*, in the present transaction."""
    broker = TicketBroker()
    async_task(RUN, job.id, broker=broker)
    Job.objects.filter(id=job.id).update(ticket=broker.ticket, ticketed_at=PresentTime())


def tickets() -> QuerySet[Any]:
    """Return the tickets that nobody has handed in yet."""
    found: QuerySet[Any] = OrmQ.objects.all()
    return found
