"""Configured connections to other systems, their secrets, and the keys for the gateway."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class Integration(models.Model):
    """A configured connection to one other system."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="integrations")
    name = models.CharField(max_length=200)
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    variables = models.JSONField(default=dict)
    commands = models.JSONField(default=list)
    """The commands as typed, each as :class:`billhook.engine.config.CommandConfig` in JSON."""
    version = models.PositiveIntegerField(default=1)
    """Grows with every save, so that of two editors the second is told instead of overwriting."""
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["position", "created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "name"], name="integration_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class StoredSecret(models.Model):
    """A secret of an integration: encrypted, and bound to the origins that it was typed for."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    integration = models.ForeignKey(Integration, models.CASCADE, related_name="stored_secrets")
    name = models.CharField(max_length=64)
    ciphertext = models.BinaryField(default=b"")
    bound_to = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["integration", "name"], name="secret_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A key with which another program calls the gateway: shown once, stored as a hash."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200)
    hint = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """One row whose number grows with every change that running processes must learn of."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
