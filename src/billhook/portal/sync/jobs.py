"""The kinds of jobs of a sync."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.urls import reverse

from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.models import Job
from billhook.portal.sync.access import pause_ends_at, source_to_try
from billhook.portal.sync.answer import answer_turn
from billhook.portal.sync.dry_run import dry_turn
from billhook.portal.sync.services import ANSWER, DRY_RUN, SYNC
from billhook.portal.sync.work import sync_turn


def _page(job: Job) -> str:
    return reverse("backoffice:sync", args=[job.organisation_id, job.subject])


def _pause_until(job: Job) -> datetime | None:
    source = source_to_try(job.subject)
    return pause_ends_at(source, is_dry=job.kind == DRY_RUN) if source is not None else None


KINDS: Final = (
    JobKind(name=SYNC, label="Sync", work=sync_turn, page=_page, pause_until=_pause_until),
    JobKind(name=ANSWER, label="Answer to a sync", work=answer_turn, is_urgent=True),
    JobKind(
        name=DRY_RUN,
        label="Dry run of a sync",
        work=dry_turn,
        is_urgent=True,
        page=_page,
        pause_until=_pause_until,
    ),
)
