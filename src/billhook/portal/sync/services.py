"""Changes to syncs. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from random import SystemRandom
from typing import Final

from django.db import transaction
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.integrations.models import Integration
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.services import enqueue, schedule, unschedule
from billhook.portal.sync.models import Question, SyncRun, SyncSource, WaitingRow, WaitsFor
from billhook.portal.sync.progress import SyncProgress

SYNC, ANSWER, DRY_RUN = "sync", "sync-answer", "sync-dry"
EVERY: Final = timedelta(minutes=15)
NUDGED_EVERY: Final = timedelta(minutes=1)
"""Time between two runs that nudges start."""
_CHANCE: Final = SystemRandom()


def sync_of(integration: Integration) -> SyncSource:
    """Return the sync of an integration that lists invoices; a new one isn't started yet."""
    return SyncSource.objects.get_or_create(integration=integration)[0]


def start_sync(*, source: SyncSource, takes_over: bool = False, user: User | None = None) -> Job:
    """Sync from now on: at once, and then every 15 minutes."""
    source.is_on, source.takes_over = True, takes_over
    with transaction.atomic():
        source.save(update_fields=["is_on", "takes_over"])
        schedule(
            SYNC,
            organisation=source.integration.organisation,
            subject=source.integration_id,
            title=_title(source),
            chain=chain_of(source.integration_id),
            every=EVERY,
            first_after=EVERY + EVERY * _CHANCE.random(),  # not all sources at the same time
        )
        return sync_now(source=source, user=user)


def stop_sync(*, source: SyncSource) -> None:
    """Sync no longer. What came from the source stays as it is."""
    source.is_on = False
    with transaction.atomic():
        source.save(update_fields=["is_on"])
        unschedule(SYNC, subject=source.integration_id)


def sync_now(
    *,
    source: SyncSource,
    user: User | None = None,
    full: bool = False,
    after: timedelta = timedelta(),
) -> Job:
    """Have a run done soon; with *full*, one that reads everything."""
    with transaction.atomic():
        if full:
            SyncSource.objects.filter(pk=source.pk).update(full_wanted=True)
        if user is not None:
            SyncSource.objects.filter(pk=source.pk).update(stopped_at="")
        return enqueue(
            SYNC,
            organisation=source.integration.organisation,
            subject=source.integration_id,
            title=_title(source),
            chain=chain_of(source.integration_id),
            user=user,
            after=after,
        )


def try_sync(*, source: SyncSource, user: User) -> Job:
    """Have a dry run done: everything is read, and nothing is written."""
    return enqueue(
        DRY_RUN,
        organisation=source.integration.organisation,
        subject=source.integration_id,
        title=f"Dry run of {source.integration.name}",
        chain=chain_of(source.integration_id),
        user=user,
    )


def new_nudge_secret(*, source: SyncSource) -> str:
    """Return the secret of a new nudge URL, which is shown once; an older one is no longer good."""
    secret = secrets.token_urlsafe(24)
    source.nudge_digest = digest_of(secret)
    source.save(update_fields=["nudge_digest"])
    return secret


def remove_nudge(*, source: SyncSource) -> None:
    """Let nobody nudge a source."""
    source.nudge_digest = ""
    source.save(update_fields=["nudge_digest"])


def digest_of(secret: str) -> str:
    """Return the digest of a nudge URL's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def nudge(*, source: SyncSource) -> None:
    """Have a run done within seconds, at most once a minute; a later nudge isn't lost."""
    if not source.is_on or source.is_stopped:
        return
    now = timezone.now()
    with transaction.atomic():
        row = SyncSource.objects.select_for_update().get(pk=source.pk)
        last = row.nudged_at
        due = now if last is None else max(now, last + NUDGED_EVERY)
        if last is None or last <= now:
            row.nudged_at = due
            row.save(update_fields=["nudged_at"])
            sync_now(source=source, after=due - now)


def answer(*, run: SyncRun, user: User, apply: bool) -> bool:
    """Apply or discard what a run asked about; return False if somebody has answered already."""
    state = Question.APPLIED if apply else Question.DISCARDED
    asked = SyncRun.objects.filter(id=run.id, question=Question.OPEN)
    with transaction.atomic():
        if not asked.update(question=state, answered_by=user, answered_at=timezone.now()):
            return False
        progress = SyncProgress.from_json(run.progress)
        progress.settled = ""
        SyncRun.objects.filter(id=run.id).update(progress=progress.to_json())
        if not apply:
            waiting = WaitingRow.objects.filter(source_id=run.source_id)
            waiting.exclude(waits_for=WaitsFor.CUSTOMER).update(is_discarded=True)
        enqueue(
            ANSWER,
            organisation=run.source.integration.organisation,
            subject=run.id,
            title=f"Answer to the sync of {run.source.integration.name}",
            chain=chain_of(run.source.integration_id),
            user=user,
        )
    return True


def chain_of(integration_id: str) -> str:
    """Return the chain of all jobs that ask one source for lists."""
    return f"source:{integration_id}"


def _title(source: SyncSource) -> str:
    return f"Sync of {source.integration.name}"
