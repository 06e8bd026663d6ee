"""The keys of the installation, its nodes, and what their processes report to each other."""

from __future__ import annotations

from django.db import models

from billhook.portal.fields.ids import LENGTH


class KeyFingerprint(models.Model):
    """The fingerprint of a key that all nodes must have; the first node that starts decides."""

    kind = models.CharField(primary_key=True, max_length=8)
    """``signing`` or ``secrets``; of several keys for secrets, the one that encrypts."""
    fingerprint = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.kind


class RunningNode(models.Model):
    """A node that has started and not stopped; without a recent report it has died."""

    id = models.CharField(primary_key=True, max_length=LENGTH)
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    """The time of its last report, by the clock of the database."""
    jobs_seen_at = models.DateTimeField(null=True)
    """The time at which its processes for jobs last reported; None if it has none."""
    clock_ahead = models.FloatField(default=0.0)
    """The seconds by which its clock is ahead of the database's."""

    def __str__(self) -> str:
        return self.name


class SharedReport(models.Model):
    """The last report of a server process to the others: uses of limits, and paused sources."""

    process = models.CharField(primary_key=True, max_length=LENGTH)
    number = models.BigIntegerField()
    """Counts its reports, so that each is read once."""
    content = models.TextField()
    written_at = models.DateTimeField()
    """By the clock of the database."""

    def __str__(self) -> str:
        return self.process
