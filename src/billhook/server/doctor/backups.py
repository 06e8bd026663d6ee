"""Checks that there is a backup, where the operator makes them with `billhook backup`."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from billhook.portal.backups.access import is_backup_overdue, last_backup
from billhook.portal.installation import environment
from billhook.server.doctor.finding import Finding, Findings


def check_backup() -> Iterator[Finding]:
    """Check the age of the last backup."""
    findings = Findings(check="backup")
    last, days = last_backup(), environment.current().backup_days
    when = (
        f"The last `billhook backup` was made at {last.made_at:%Y-%m-%d %H:%M} UTC" if last else ""
    )
    if is_backup_overdue(now=timezone.now()):
        yield findings.warning(
            "backup-overdue",
            f"{when or 'No `billhook backup` has been made'}, and BILLHOOK_BACKUP_DAYS allows "
            f"{days} days. Make one, and see why the timer or cron job didn't.",
        )
    elif last is not None:
        yield findings.ok(f"{when}.")
    else:
        yield findings.ok(
            "No `billhook backup` has been made. To be warned when the last one is too old, set "
            "BILLHOOK_BACKUP_DAYS."
        )
