"""Endpoints, the events for them, and the deliveries: an outbox that outlives every process."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class EventKind(models.TextChoices):
    """The kinds of events, by the names that they have on the wire."""

    VIEWED = "invoice.viewed", "Invoice viewed"
    DOWNLOADED = "invoice.downloaded", "Invoice downloaded"
    DOCUMENT_FAILING = "document.failing", "Document failing"
    SYNC_FAILING = "sync.failing", "Sync failing"
    SIGNED_IN = "contact.signed_in", "Contact signed in"


TEST: Final = "webhook.test"
"""The kind of an event that somebody sends to see whether a receiver works."""


class WebhookEndpoint(models.Model):
    """An address of the organisation that gets events."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    url = models.CharField("address", max_length=2000)
    kinds = models.JSONField(default=list)
    """The kinds of events that it gets."""
    secret = models.BinaryField()
    """The key of its signatures, sealed."""
    old_secret = models.BinaryField(default=b"")
    old_secret_until = models.DateTimeField(null=True)
    """The time until which the secret before this one signs, too."""
    is_paused = models.BooleanField(default=False)
    failing_since = models.DateTimeField(null=True)
    """The first failure since the last success."""
    disabled_at = models.DateTimeField(null=True)
    """The time at which Billhook gave it up, after days of failures."""
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]

    def __str__(self) -> str:
        return self.id

    @property
    def is_listening(self) -> bool:
        """Whether deliveries are sent to it now."""
        return not self.is_paused and self.disabled_at is None


class WebhookEvent(models.Model):
    """Something that happened. Its id is the same in every delivery."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40, choices=[*EventKind.choices, (TEST, "Test")])
    once = models.CharField(max_length=100)
    """A text that no other event of the organisation has: a fact is noted once."""
    data = models.JSONField()
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "once"], name="webhook_event_once")
        ]

    def __str__(self) -> str:
        return self.id


class DeliveryState(models.TextChoices):
    """The states of a delivery."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    state = models.CharField(
        max_length=9, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    """The status of the last response; None if there was none."""
    reason = models.CharField(max_length=500, blank=True)
    """The reason for the last failure, as a sentence for people."""
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="webhook_delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "due_at"],
                condition=models.Q(state="waiting"),
                name="webhook_delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"
