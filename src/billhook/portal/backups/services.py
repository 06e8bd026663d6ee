"""Changes to the record of the last backup."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version

from billhook.portal.backups.models import LastBackup


def record_backup(*, made_at: datetime, size: int, is_encrypted: bool) -> LastBackup:
    """Remember that a backup of *size* bytes was completed."""
    facts = {
        "made_at": made_at,
        "bytes": size,
        "is_encrypted": is_encrypted,
        "version": version("billhook"),
    }
    backup, _ = LastBackup.objects.update_or_create(id=1, defaults=facts)
    return backup
