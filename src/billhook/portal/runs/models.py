"""Runs: one row for every use of a command, whatever the outcome."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.customers.models import Customer
from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.integrations.models import ApiKey, Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.outcomes import word_of_success


class RunKind(models.TextChoices):
    """The purpose of a run."""

    VIEW = "view", "View"
    DOWNLOAD = "download", "Download"
    VIEW_AS = "view-as", "View as contact"
    TRY = "try", "Try"
    API = "api", "API"
    MAIL = "mail", "Attached to a mail"
    CHECK = "check", "Nightly check"
    SIGN_IN = "sign-in", "Sign-in"
    PAY = "pay", "Pay"


class Run(models.Model):
    """One use of one command. ``outcome`` is ``ok`` or an error's code; no value is kept."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="runs", db_index=False
    )
    integration = models.ForeignKey(
        Integration, models.SET_NULL, null=True, related_name="runs", db_index=False
    )
    command = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False)
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, db_index=False)
    invoice = models.ForeignKey(
        Invoice, models.SET_NULL, null=True, related_name="runs", db_index=False
    )
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    """The customer whose statement it was for; None for a run about an invoice."""
    outcome = models.CharField(max_length=40)
    reason = models.CharField(max_length=40, blank=True)
    attempts = models.JSONField(default=list)
    started_at = models.DateTimeField()
    milliseconds = models.FloatField()
    document_bytes = models.BigIntegerField(default=0)
    media_type = models.CharField(max_length=100, blank=True)
    part_of = models.CharField(max_length=LENGTH, blank=True)
    """The first run of the same click, if several sources were tried."""

    class Meta:
        # Each costs time in every insert. The order of the list comes first in them; the fields
        # behind it are filters, so that rows that don't match needn't be read.
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "started_at", "id", "kind", "outcome", "integration"],
                name="run_in_order",
            ),
            models.Index(
                fields=["organisation", "started_at", "id", "kind", "outcome", "integration"],
                name="run_failed_in_order",
                condition=~models.Q(outcome="ok"),
            ),
            models.Index(
                fields=["integration", "started_at", "id", "outcome"], name="run_of_integration"
            ),
            models.Index(fields=["invoice", "started_at", "id"], name="run_of_invoice"),
            models.Index(
                fields=["customer"],
                name="run_of_customer",
                condition=models.Q(customer__isnull=False),
            ),
            models.Index(
                fields=["user"], name="run_of_user", condition=models.Q(user__isnull=False)
            ),
            models.Index(
                fields=["part_of"], name="run_of_click", condition=models.Q(part_of__gt="")
            ),
            models.Index(
                fields=["organisation", "started_at", "outcome", "part_of"],
                name="run_that_followed",
                condition=models.Q(part_of__gt=""),
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def word(self) -> str:
        """The way in which a successful run got its document, in a word or two."""
        return word_of_success(self.reason)
