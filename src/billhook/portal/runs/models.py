"""Runs: one row for every use of a command, whatever the outcome."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.integrations.models import ApiKey, Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.outcomes import word_of_success


class RunKind(models.TextChoices):
    """The purpose of a run."""

    VIEW = "view", "View"
    DOWNLOAD = "download", "Download"
    TRY = "try", "Try"
    API = "api", "API"


class Run(models.Model):
    """One use of one command. ``outcome`` is ``ok`` or an error's code; no value is kept."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="runs")
    integration = models.ForeignKey(Integration, models.SET_NULL, null=True, related_name="runs")
    command = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True)
    invoice = models.ForeignKey(Invoice, models.SET_NULL, null=True, related_name="runs")
    outcome = models.CharField(max_length=40)
    reason = models.CharField(max_length=40, blank=True)
    attempts = models.JSONField(default=list)
    started_at = models.DateTimeField()
    milliseconds = models.FloatField()
    document_bytes = models.BigIntegerField(default=0)
    media_type = models.CharField(max_length=100, blank=True)
    part_of = models.CharField(max_length=LENGTH, blank=True, db_index=True)
    """The first run of the same click, if several sources were tried."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-started_at"], name="run_newest_first"),
            models.Index(fields=["started_at"], name="run_oldest"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def word(self) -> str:
        """The way in which a successful run got its document, in a word or two."""
        return word_of_success(self.reason)
