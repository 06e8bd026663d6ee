"""Deletes the runs that are older than their organisation keeps them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.models import Run


def delete_old_runs(pace: Pace = AT_ONCE, *, now: datetime | None = None) -> int:
    """Delete every run that is older than ``runs_kept_days``. Return their number."""
    now = now or timezone.now()
    kept = list(Organisation.objects.values_list("id", "runs_kept_days"))
    return sum(
        pace.delete(Run.objects.filter(organisation_id=id_, started_at__lt=now - timedelta(days)))
        for id_, days in kept
    )
