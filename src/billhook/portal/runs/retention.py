"""Deletes the runs that are older than their organisation keeps them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.models import Run

CHUNK: Final = 1000
"""Rows deleted at once: small, so that SQLite's one writer isn't kept from the others."""


def delete_old_runs(*, now: datetime | None = None) -> int:
    """Delete every run that is older than ``runs_kept_days``. Return their number."""
    now = now or timezone.now()
    kept = Organisation.objects.values_list("id", "runs_kept_days")
    return sum(_delete_before(id_, now - timedelta(days=days)) for id_, days in kept)


def _delete_before(organisation_id: str, before: datetime) -> int:
    old = Run.objects.filter(organisation_id=organisation_id, started_at__lt=before)
    deleted = 0
    while chunk := list(old.values_list("id", flat=True)[:CHUNK]):
        deleted += Run.objects.filter(id__in=chunk).delete()[0]
    return deleted
