"""The record of an invoice; its document is made elsewhere and is never stored here."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Final

from django.db import models

from billhook.portal.customers.models import Customer
from billhook.portal.fields.currencies import MAX_DECIMALS
from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class Status(models.TextChoices):
    """The stored status of an invoice. Overdue isn't stored: it is open and past due."""

    DRAFT = "draft", "Draft"
    OPEN = "open", "Open"
    PART_PAID = "part_paid", "Part paid"
    PAID = "paid", "Paid"
    CREDITED = "credited", "Credited"
    VOID = "void", "Void"
    WRITTEN_OFF = "written_off", "Written off"


class InvoiceType(models.TextChoices):
    """The type of the document. A credit note may have positive or negative amounts."""

    INVOICE = "invoice", "Invoice"
    CREDIT_NOTE = "credit_note", "Credit note"


class Hidden(models.TextChoices):
    """The reason why nobody's list shows an invoice."""

    ABSENT = "absent", "The billing system no longer lists it."
    REMOVED = "removed", "The billing system removed it."
    REPLACED = "replaced", "A newer one with the same number replaced it."
    UNASSIGNED = "unassigned", "Its customer isn't known any more."


_SHOWN: Final = models.Q(hidden_at=None)
_LISTED: Final = (
    "number",
    "id",
    "type",
    "status",
    "currency",
    "due_on",
    "amount",
    "open_amount",
    "hidden_at",
)
"""Fields that lists filter and sort by. They are in the index, so that no row has to be read."""
UNSETTLED: Final = (Status.OPEN, Status.PART_PAID)
"""The statuses of an invoice that may have an open amount or unused credit."""


class Invoice(models.Model):
    """One invoice. Only members can see a draft."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, db_index=False, related_name="invoices"
    )
    customer = models.ForeignKey(Customer, models.CASCADE, db_index=False, related_name="invoices")
    type = models.CharField(
        max_length=11,
        choices=InvoiceType.choices,
        default=InvoiceType.INVOICE,
        db_default=InvoiceType.INVOICE,
    )
    number = models.CharField(max_length=100)
    integration = models.ForeignKey(
        "integrations.Integration",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    """The integration that it comes from; None for one that was typed or imported.

    The integration may be gone: its invoices stay.
    """
    source_id = models.CharField("id in the billing system", max_length=200, blank=True)
    source_changed_at = models.DateTimeField(null=True, blank=True)
    issued_on = models.DateField("date")
    due_on = models.DateField("due date", null=True, blank=True)
    amount = models.DecimalField(max_digits=15, decimal_places=MAX_DECIMALS)
    open_amount = models.DecimalField(max_digits=15, decimal_places=MAX_DECIMALS)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    po_number = models.CharField("PO number", max_length=100, blank=True, default="", db_default="")
    link = models.CharField(max_length=2000, blank=True, default="", db_default="")
    """The https address where it can be seen or paid in the billing system."""
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_because = models.CharField(
        max_length=10, choices=Hidden.choices, blank=True, default="", db_default=""
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "number"],
                condition=models.Q(integration=None),
                name="invoice_number_once",
            ),
            models.UniqueConstraint(
                fields=["integration", "source_id", "type"],
                condition=models.Q(integration__isnull=False),
                name="invoice_source_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "issued_on", *_LISTED, "customer"],
                condition=_SHOWN,
                name="invoice_list",
            ),
            models.Index(
                fields=["customer", "issued_on", *_LISTED],
                condition=_SHOWN,
                name="invoice_list_of_one",
            ),
            models.Index(
                fields=["organisation", "hidden_at", "id"],
                condition=models.Q(hidden_at__isnull=False),
                name="invoice_hidden",
            ),
            models.Index(fields=["organisation", "number", "id"], name="invoice_by_number"),
            models.Index(  # hidden ones too, for programs that follow changes
                fields=["organisation", "changed_at", "id"], name="invoice_by_changed_at"
            ),
            models.Index(
                fields=["organisation", "source_id"],
                condition=models.Q(integration=None, source_id__gt=""),
                name="invoice_by_source",
            ),
            models.Index(  # also for the currencies of a customer's invoices
                fields=["customer", "currency", "status", "hidden_at"], name="invoice_of_customer"
            ),
            models.Index(  # for counts and sums of what is open
                fields=[
                    "customer",
                    "currency",
                    "due_on",
                    "open_amount",
                    "type",
                    "status",
                    "hidden_at",
                    "issued_on",
                    "id",
                ],
                condition=_SHOWN & models.Q(status__in=UNSETTLED),
                name="invoice_unsettled_of_one",
            ),
            *(
                models.Index(
                    fields=["organisation", field, "number", "id"],
                    condition=_SHOWN,
                    name=f"invoice_by_{field}",
                )
                for field in ("due_on", "amount")
            ),
            models.Index(  # wide, so that a list of the paid ones quickly passes all open ones
                fields=[
                    "organisation",
                    "open_amount",
                    *(field for field in _LISTED if field != "open_amount"),
                    "issued_on",
                    "customer",
                ],
                condition=_SHOWN,
                name="invoice_by_open_amount",
            ),
            models.Index(
                fields=["organisation", "currency", "issued_on", "number", "id"],
                condition=_SHOWN,
                name="invoice_by_currency",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_credit_note(self) -> bool:
        """Whether the customer gets this amount instead of owing it."""
        return self.type == InvoiceType.CREDIT_NOTE or self.amount < 0

    @property
    def shown_link(self) -> str:
        """The link, if it is one that may be shown."""
        return self.link if self.link.startswith("https://") else ""

    @property
    def signed_amount(self) -> Decimal:
        """The amount as people read it: a credit note's is below zero."""
        return -abs(self.amount) if self.is_credit_note else self.amount

    @property
    def signed_open_amount(self) -> Decimal:
        """The open amount as people read it: a credit note's is below zero."""
        return -abs(self.open_amount) if self.is_credit_note else self.open_amount


class OpenSum(models.Model):
    """A part of the sums of what is open and of unused credit: kept by the database.

    An organisation has a few rows for each currency and due date. See :mod:`kept_sums`.
    """

    id = models.BigAutoField(primary_key=True)
    organisation_id = models.CharField(max_length=LENGTH)
    currency = models.CharField(max_length=3)
    due_on = models.DateField(null=True)
    open_amount = models.DecimalField(max_digits=24, decimal_places=MAX_DECIMALS)
    credit_amount = models.DecimalField(max_digits=24, decimal_places=MAX_DECIMALS)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organisation_id", "currency", "due_on"], name="open_sum")
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.currency} {self.due_on}"
