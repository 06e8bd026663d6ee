"""The facts that become events: views, downloads and failures of runs, and sign-ins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.utils import timezone

from billhook.engine.record import RunRecord
from billhook.portal.accounts.models import User
from billhook.portal.events.access import (
    customers_of_user,
    listeners,
    organisations_that_hear,
    shown_invoices,
)
from billhook.portal.events.models import EventKind
from billhook.portal.events.services import NotedEvent, note_events
from billhook.portal.fields.ids import new_id

_OF_SUCCESS: Final = {"view": EventKind.VIEWED, "download": EventKind.DOWNLOADED}
_OF_RUNS: Final = (EventKind.VIEWED, EventKind.DOWNLOADED, EventKind.DOCUMENT_FAILING)
_MOST_CUSTOMERS: Final = 100
"""Customers that the event of a sign-in names."""
_OF_CONTACTS: Final = frozenset({"view", "download", "api"})


def note_runs(runs: Sequence[RunRecord], *, failed: Iterable[RunRecord]) -> None:
    """Note the events of *runs*, in the transaction that writes them.

    Of them, *failed* are those whose source doesn't work. A source that fails is one event an hour.
    """
    good = [
        run for run in runs if run.outcome == "ok" and run.kind in _OF_SUCCESS and run.invoice_id
    ]
    bad = [run for run in failed if run.integration_id and run.kind in _OF_CONTACTS]
    organisations = {run.organisation_id for run in (*good, *bad)}
    if not organisations or not listeners(organisations, _OF_RUNS):
        return
    note_events([*_uses(good), *_failures(bad)])


def _uses(runs: Sequence[RunRecord]) -> Iterator[NotedEvent]:
    invoices = shown_invoices([run.invoice_id for run in runs if run.invoice_id])
    for run in runs:
        data: dict[str, Any] = {"run_id": run.id, **invoices.get(run.invoice_id or "", {})}
        yield NotedEvent(
            organisation_id=run.organisation_id,
            kind=_OF_SUCCESS[run.kind],
            once=f"run:{run.id}",
            data=data | {"user_id": run.user_id},
            happened_at=run.started_at,
        )


def _failures(runs: Sequence[RunRecord]) -> Iterator[NotedEvent]:
    first = {(run.integration_id, f"{run.started_at:%Y-%m-%dT%H}"): run for run in reversed(runs)}
    for (integration_id, hour), run in first.items():
        yield NotedEvent(
            organisation_id=run.organisation_id,
            kind=EventKind.DOCUMENT_FAILING,
            once=f"failing:{integration_id}:{hour}",
            data={
                "run_id": run.id,
                "integration_id": integration_id,
                "command": run.command,
                "code": run.outcome,
            },
            happened_at=run.started_at,
        )


def note_failing_sync(*, organisation_id: str, integration_id: str, run_id: str, code: str) -> None:
    """Note that the sync of an integration fails, in the transaction that records it."""
    note_events(
        [
            NotedEvent(
                organisation_id=organisation_id,
                kind=EventKind.SYNC_FAILING,
                once=f"sync:{run_id}",
                data={"integration_id": integration_id, "code": code},
                happened_at=timezone.now(),
            )
        ]
    )


def note_sign_in(user: User, *, organisation_id: str = "") -> None:
    """Note that a person has signed in, for each organisation whose contact they are.

    With *organisation_id*, they have signed in to that organisation's invoices alone.
    """
    now = timezone.now()
    heard = organisations_that_hear(user.id, EventKind.SIGNED_IN)
    note_events(
        NotedEvent(
            organisation_id=id_,
            kind=EventKind.SIGNED_IN,
            once=f"sign-in:{new_id()}",
            data={
                "user_id": user.id,
                "email": user.email,
                "customer_ids": customers_of_user(user.id, id_, most=_MOST_CUSTOMERS),
            },
            happened_at=now,
        )
        for id_ in heard
        if organisation_id in {"", id_}
    )
