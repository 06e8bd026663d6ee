"""Imports, and the rows that each created or changed, so that it can be undone."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class ImportState(models.TextChoices):
    """The states of an import. Nothing is written before a person confirms the preview."""

    READING = "reading", "Being read"
    UNREADABLE = "refused", "Unreadable"
    CHOSEN = "chosen", "Not confirmed yet"
    RUNNING = "running", "Running"
    DONE = "done", "Imported"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"


class FileImport(models.Model):
    """A file that a member chose, the meaning of its columns, and its result."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="file_imports")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    kind = models.CharField(max_length=10)
    """See :class:`billhook.portal.imports.columns.fields.ImportKind`."""
    file_name = models.CharField(max_length=200, blank=True)
    kept_file = models.CharField(max_length=64)
    """The name of the file in the storage; after it was read, of the table in it."""
    problem = models.CharField(max_length=500, blank=True, default="", db_default="")
    """The reason why it can't be read, or was imported only in part; a sentence for people."""
    mapping = models.JSONField()
    is_sure = models.BooleanField(default=False)
    """Whether the columns were recognised, or a person has chosen them."""
    preview = models.JSONField(null=True)
    """Counts and the first rows, as :mod:`billhook.portal.imports.preview` makes them."""
    state = models.CharField(max_length=8, choices=ImportState.choices, default=ImportState.CHOSEN)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    """The rows, of ``total``, that the running work has finished."""
    counts = models.JSONField(default=dict)
    """The numbers of rows with each effect."""
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    invited_at = models.DateTimeField(null=True)
    """The time at which its new contacts were sent an invitation."""

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.id


class ImportedRow(models.Model):
    """A row that an import created, changed or refused."""

    class What(models.TextChoices):
        """The kinds of rows."""

        INVOICE = "invoice", "Invoice"
        CUSTOMER = "customer", "Customer"
        CONTACT = "contact", "Contact"
        REFUSED = "refused", "Refused"

    class Undone(models.TextChoices):
        """The results of undoing a row."""

        NOT_YET = "", "Not undone"
        UNDONE = "undone", "Undone"
        CHANGED = "changed", "Changed since"
        USED = "used", "Used since"
        GONE = "gone", "Removed since"

    file_import = models.ForeignKey(FileImport, models.CASCADE, related_name="rows")
    what = models.CharField(max_length=8, choices=What.choices)
    name = models.CharField(max_length=254)
    """The number of an invoice or customer, or the address of a contact."""
    object_id = models.CharField(max_length=LENGTH, blank=True)
    before = models.JSONField(null=True)
    """The facts before, of a row that was changed."""
    after = models.JSONField(null=True)
    """The facts that were written; of a refused row, its lines and the reasons."""
    undone = models.CharField(max_length=8, choices=Undone.choices, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


class RememberedColumns(models.Model):
    """The columns that an organisation chose in earlier imports of one kind."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="remembered_columns"
    )
    kind = models.CharField(max_length=10)
    fields = models.JSONField(default=dict)
    """Our fields by the names of columns; "" for a column that isn't used."""
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "kind"], name="columns_remembered_once")
        ]

    def __str__(self) -> str:
        return self.kind
