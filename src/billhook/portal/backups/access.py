"""The only door to the record of the last backup, which belongs to the whole installation."""

from __future__ import annotations

from datetime import datetime, timedelta

from billhook.portal.backups.models import LastBackup
from billhook.portal.installation import environment


def last_backup() -> LastBackup | None:
    """Return the last backup that ``billhook backup`` completed, if there was one."""
    return LastBackup.objects.first()


def is_backup_overdue(*, now: datetime) -> bool:
    """Return whether the last backup is older than ``BILLHOOK_BACKUP_DAYS`` allows.

    If that setting is 0, no backup is ever overdue.
    """
    days = environment.current().backup_days
    if days == 0:
        return False
    last = last_backup()
    return last is None or last.made_at < now - timedelta(days=days)
