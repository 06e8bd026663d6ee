"""Customers, whom the invoices are for, and their contacts, who sign in."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class Customer(models.Model):
    """A company, or person, that gets invoices from the organisation."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, db_index=False, related_name="customers"
    )
    integration = models.ForeignKey(
        "integrations.Integration",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    """The integration that it comes from; None for one that was typed or imported."""
    source_id = models.CharField(max_length=200, blank=True, default="", db_default="")
    number = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    locale = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "number"],
                condition=models.Q(integration=None),
                name="customer_number_once",
            ),
            models.UniqueConstraint(
                fields=["integration", "source_id"],
                condition=models.Q(integration__isnull=False),
                name="customer_source_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "number"], name="customer_number"),
            models.Index(fields=["organisation", "name", "id", "number"], name="customer_by_name"),
            models.Index(
                fields=["organisation", "changed_at", "id"], name="customer_by_changed_at"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person at a customer who signs in to see its invoices."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="contacts")
    integration = models.ForeignKey(
        "integrations.Integration",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    """The integration that the contact comes from; None for one that was added here."""
    source_id = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "user"], name="contact_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["integration", "source_id"],
                condition=models.Q(integration__isnull=False),
                name="contact_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.customer}"
