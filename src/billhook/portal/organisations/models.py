"""The tenant and its members."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id


class Organisation(models.Model):
    """The company whose invoices these are."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    support_email = models.EmailField(blank=True)
    runs_kept_days = models.PositiveIntegerField(default=90)
    plain_rendering = models.BooleanField(default=False)
    """Whether contacts get a summary from our own record if no source has the document."""
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """The permissions of a member: a viewer looks, an editor configures, an owner invites."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


class Member(models.Model):
    """A person of the organisation."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    wants_source_mail = models.BooleanField(default=True, db_default=True)
    """Whether they get mail when a source fails; viewers get none."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "user"], name="member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"
