"""Sign-in tokens that have been used, and the pages that may embed an organisation's portal."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from billhook.portal.fields.ids import LENGTH
from billhook.portal.organisations.models import Organisation


class UsedToken(models.Model):
    """A sign-in token that was taken: only its keyed digest, so that it is taken once."""

    digest = models.CharField(primary_key=True, max_length=64)
    organisation_id = models.CharField(max_length=LENGTH)
    """No foreign key: it must outlive nothing, and expires anyway."""
    taken_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["taken_at"], name="usedtoken_taken")]

    def __str__(self) -> str:
        return self.digest[:8]


class Embedding(models.Model):
    """The origins whose pages may embed an organisation's portal."""

    organisation = models.OneToOneField(
        Organisation, models.CASCADE, primary_key=True, related_name="embedding"
    )
    parents = models.JSONField(default=list)
    """Origins, such as ``https://www.acme.example``."""

    def __str__(self) -> str:
        return " ".join(self.parents)
