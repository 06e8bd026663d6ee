"""The record of the last backup, for Home and ``billhook doctor``."""

from __future__ import annotations

from django.db import models


class LastBackup(models.Model):
    """The last backup that ``billhook backup`` completed. There is one row at most."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    made_at = models.DateTimeField()
    bytes = models.BigIntegerField()
    """The size of its file."""
    is_encrypted = models.BooleanField()
    version = models.CharField(max_length=64)
    """The version of Billhook that made it."""

    def __str__(self) -> str:
        return f"backup of {self.made_at:%Y-%m-%d %H:%M}"
