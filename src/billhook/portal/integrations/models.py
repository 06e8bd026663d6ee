"""Configured connections to other systems, their secrets, and the keys for the gateway."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.fields.model_fields import OrderedJSONField
from billhook.portal.organisations.models import Organisation


class OnFailure(models.TextChoices):
    """The choice when an integration fails. After "not found", VIEW always tries the next one."""

    STOP = "stop", "Stop, and report the failure"
    NEXT = "next", "Try the next integration"


class Keeping(models.TextChoices):
    """Whether documents are kept for the next click, and whether that one still asks the source."""

    CHECKED = "checked", "Keep documents, and check each time that they are still current"
    TRUSTED = "trusted", "Keep documents, and show them again without checking"
    OFF = "off", "Keep nothing"


class Integration(models.Model):
    """A configured connection to one other system."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="integrations")
    name = models.CharField(max_length=200)
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    variables = OrderedJSONField(default=dict)
    commands = OrderedJSONField(default=list)
    """The commands as typed, each as :class:`billhook.engine.config.CommandConfig` in JSON."""
    authentication = OrderedJSONField(null=True, blank=True)
    """Authentication of requests: :class:`billhook.engine.config.AuthenticationConfig` in JSON."""
    tls = OrderedJSONField(null=True, blank=True)
    """Client certificate and CA certificates, as :class:`billhook.engine.config.TlsConfig` in JSON.
    """
    preset = models.CharField(max_length=64, blank=True)
    """The name of the preset that it was made from."""
    on_failure = models.CharField(max_length=4, choices=OnFailure.choices, default=OnFailure.STOP)
    keeping = models.CharField(max_length=7, choices=Keeping.choices, default=Keeping.CHECKED)
    version = models.PositiveIntegerField(default=1)
    """Grows with every save, so that the second of two editors is warned instead of overwriting."""
    connection = models.PositiveIntegerField(default=0)
    """Grows when it is connected or disconnected, so that no process uses tokens that are gone."""
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["position", "created_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "position", "created_at", "id"], name="integration_in_order"
            ),
            models.Index(
                fields=["organisation"],
                name="integration_with_tls",
                condition=models.Q(tls__isnull=False),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "name"], name="integration_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def command_names(self) -> frozenset[str]:
        """The names of its commands."""
        return frozenset(str(command.get("name", "")) for command in self.commands)


class StoredSecret(models.Model):
    """A secret of an integration: encrypted, and bound to the origins that it was typed for."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    integration = models.ForeignKey(Integration, models.CASCADE, related_name="stored_secrets")
    name = models.CharField(max_length=64)
    ciphertext = models.BinaryField(default=b"")
    """Empty when its key was lost: the value has to be typed again."""
    bound_to = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["integration", "name"], name="secret_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class StoredTokens(models.Model):
    """The tokens that a source gave out for an integration: encrypted, and bound as a secret is.

    ``leased_by`` is the process that is requesting new ones; no other process may until
    ``leased_until``.
    """

    integration = models.OneToOneField(
        Integration, models.CASCADE, primary_key=True, related_name="stored_tokens"
    )
    ciphertext = models.BinaryField(default=b"")
    """Empty before the first tokens come."""
    bound_to = models.JSONField(default=dict)
    connected_at = models.DateTimeField(null=True, blank=True)
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"tokens of {self.integration_id}"


class ApiKey(models.Model):
    """A key with which another program calls the API: shown once, stored as a hash."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200)
    hint = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(max_length=400, default="run", db_default="run")
    """Its :mod:`scopes <billhook.portal.fields.key_scopes>`, separated by spaces."""
    expires_at = models.DateTimeField(null=True, blank=True)
    """The time from which it is refused; None for a key that works until it is revoked."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "created_at", "id"], name="api_key_newest")
        ]

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """One row whose number grows with every change that running processes must learn of."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)


class Change(models.Model):
    """The subject of one change, under the number that it gave to :class:`Revision`.

    Without an integration or key, all of the organisation's may have changed.
    """

    number = models.BigIntegerField(primary_key=True)
    organisation_id = models.CharField(max_length=LENGTH)
    integration_id = models.CharField(max_length=LENGTH, blank=True)
    key_id = models.CharField(max_length=LENGTH, blank=True)

    def __str__(self) -> str:
        return f"change {self.number}"
