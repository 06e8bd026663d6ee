"""Customers, whom the invoices are for, and their contacts, who sign in."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class Customer(models.Model):
    """A company, or person, that gets invoices from the organisation."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="customers")
    number = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    locale = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "number"], name="customer_number_once")
        ]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person at a customer who signs in to see its invoices."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="contacts")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "user"], name="contact_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.customer}"
