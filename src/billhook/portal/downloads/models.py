"""Downloads that contacts have asked for, and the documents in each."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Organisation


class ZipState(models.TextChoices):
    """The states of a download."""

    MAKING = "making", "In progress"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"


class EntryState(models.TextChoices):
    """The states of one document of a download."""

    WAITING = "waiting", "Not fetched yet"
    STORED = "stored", "Stored"
    MISSING = "missing", "Missing"


class Missing(models.TextChoices):
    """The reasons why a document isn't in a download, as sentences for the contact."""

    NOT_MADE_YET = "none", "The billing system has no document for it yet."
    FAILED = "failed", "The billing system didn't return the document."
    NO_RESPONSE = "no-response", "The billing system didn't respond in time."
    ONLY_LINK = "link", "The billing system only shows it on its own page: open it with VIEW."
    TOO_MUCH = "too-much", "This download is full. Choose it in another one."
    NO_ROOM = "no-room", "There was no space for it. Try again later."
    NOT_LISTED = "not-listed", "It is no longer among your invoices."
    GONE = "gone", "It is no longer stored."
    NOT_FETCHED = "not-fetched", "The download ended before it was fetched."


class ZipDownload(models.Model):
    """Documents of one organisation that a contact gets as one zip, until it expires."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    state = models.CharField(max_length=7, choices=ZipState.choices, default=ZipState.MAKING)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.id


class ZipEntry(models.Model):
    """One invoice of a download, and its document once that is stored."""

    download = models.ForeignKey(ZipDownload, models.CASCADE, related_name="entries")
    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=7, choices=EntryState.choices, default=EntryState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    missing = models.CharField(max_length=12, choices=Missing.choices, blank=True)
    run_id = models.CharField(max_length=LENGTH, blank=True)
    """The run that members can look at."""
    kept_file = models.CharField(max_length=64, blank=True)
    """The name of the document in the storage."""
    file_name = models.CharField(max_length=200, blank=True)
    size = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["download", "invoice"], name="zip_entry_once")
        ]

    def __str__(self) -> str:
        return f"entry {self.position} of {self.download_id}"
