"""The record of an invoice; its document is made elsewhere and is never stored here."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from billhook.portal.customers.models import Customer
from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class Status(models.TextChoices):
    """The stored status of an invoice. Overdue isn't stored: it is open and past due."""

    DRAFT = "draft", "Draft"
    OPEN = "open", "Open"
    PART_PAID = "part_paid", "Part paid"
    PAID = "paid", "Paid"
    CREDITED = "credited", "Credited"


class Invoice(models.Model):
    """One invoice. Only members can see a draft."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invoices")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="invoices")
    number = models.CharField(max_length=100)
    source_id = models.CharField("id in the billing system", max_length=200, blank=True)
    issued_on = models.DateField("date")
    due_on = models.DateField("due date", null=True, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    open_amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "number"], name="invoice_number_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer", "-issued_on", "-number"], name="invoice_newest_first")
        ]

    def __str__(self) -> str:
        return self.number
