"""The beginning of a run: which parts of the lists are due, or which run goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from billhook.engine.integration import CompiledIntegration
from billhook.engine.listing.plan import ListMemory, plan_list
from billhook.portal.integrations.loading import load_one
from billhook.portal.integrations.policy import Wiring
from billhook.portal.sync.access import integration_with_secrets
from billhook.portal.sync.models import RememberedList, SyncRun, SyncSource, SyncState
from billhook.portal.sync.progress import PlannedPart

GOES_ON: Final = timedelta(days=1)
"""Time for which a run that failed goes on where it was; later, a new one begins."""
_FAILS: Final = 3
"""Failures in a row after which a new run begins: the place may be the reason."""


def wiring_of(source: SyncSource) -> Wiring | None:
    """Return what opening the source takes, as it is saved now."""
    row = integration_with_secrets(source.integration_id)
    return load_one(row).wiring if row is not None else None


def begin_run(
    source: SyncSource, integration: CompiledIntegration, *, now: datetime, is_dry: bool = False
) -> SyncRun:
    """Return the run to work on: one that goes on, or a new one."""
    begins_anew = source.full_wanted and not is_dry
    run = None if begins_anew else _unfinished(source, integration, now, is_dry=is_dry)
    if run is not None:
        if run.state != SyncState.RUNNING:
            SyncRun.objects.filter(id=run.id).update(state=SyncState.RUNNING, ended_at=None)
            run.state, run.ended_at = SyncState.RUNNING, None
        return run
    with transaction.atomic():
        SyncRun.objects.filter(source=source, is_dry=is_dry, state=SyncState.RUNNING).update(
            state=SyncState.FAILED, ended_at=now
        )
        if not is_dry:
            SyncSource.objects.filter(pk=source.pk).update(full_wanted=False)
        return SyncRun.objects.create(
            source=source,
            is_dry=is_dry,
            is_first=source.good_at is None,
            started_at=now,
            parts=[part.to_json() for part in due_parts(source, integration, now, all_=is_dry)],
            fingerprint=fingerprint_of(integration),
        )


def due_parts(
    source: SyncSource, integration: CompiledIntegration, now: datetime, *, all_: bool = False
) -> list[PlannedPart]:
    """Return the parts of all lists that are due, in the order of a sync."""
    return [
        PlannedPart(command=name, part=part)
        for name, listing in integration.lists.items()
        for part in plan_list(
            listing, memory_of(source, name), now=now, full=all_ or source.full_wanted
        )
    ]


def memory_of(source: SyncSource, command: str) -> ListMemory:
    """Return the memory of one list."""
    row = RememberedList.objects.filter(source=source, command=command).first()
    return ListMemory.from_json(row.memory if row is not None else {})


def fingerprint_of(integration: CompiledIntegration) -> str:
    """Return a text that is another one when the lists are asked for in another way."""
    return " ".join(listing.fingerprint for listing in integration.lists.values())[:400]


def _unfinished(
    source: SyncSource, integration: CompiledIntegration, now: datetime, *, is_dry: bool
) -> SyncRun | None:
    run = source.runs.filter(is_dry=is_dry).first()
    if run is None or run.state == SyncState.DONE or run.started_at < now - GOES_ON:
        return None
    if run.fingerprint != fingerprint_of(integration):
        return None
    has_failed_often = run.state == SyncState.FAILED and source.failures >= _FAILS
    return None if has_failed_often else run
