"""Calls with an Idempotency-Key, kept for a day, so that a repeated one changes nothing."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from billhook.portal.integrations.models import ApiKey


class IdempotentCall(models.Model):
    """One call of one key, and its response once it is there.

    The response is encrypted with a key that only the caller's own API key gives: the database
    alone doesn't show it, as it doesn't show the value of a key that was made.
    """

    api_key = models.ForeignKey(ApiKey, models.CASCADE, db_index=False, related_name="+")
    text = models.CharField(max_length=255)
    """The Idempotency-Key."""
    digest = models.CharField(max_length=64)
    """The HMAC of the method, the path and the body, with a key that the API key gives."""
    token = models.CharField(max_length=32)
    """The call that holds it until ``held_until``; another may take it over after that."""
    held_until = models.DateTimeField()
    response = models.BinaryField(null=True)
    """None while the call is in progress."""
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api_key", "text"], name="idempotent_call_once")
        ]

    def __str__(self) -> str:
        return f"call of {self.api_key_id}"
