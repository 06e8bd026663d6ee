"""Files in shared storage: a row for each, and its bytes in chunks if the database has them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from billhook.portal.fields.ids import LENGTH


class StoredFile(models.Model):
    """A file, or a note, of an organisation on one shelf, until it expires."""

    shelf = models.CharField(max_length=16)
    name = models.CharField(max_length=80)
    organisation_id = models.CharField(max_length=LENGTH)
    """No foreign key: a file isn't worth a lock on its organisation, and expires anyway."""
    size = models.BigIntegerField()
    note = models.BinaryField(null=True)
    """The encrypted content of a note; None for a file."""
    stored_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shelf", "name"], name="file_stored_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["shelf", "expires_at"], name="storedfile_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.shelf}/{self.name}"


class FileChunk(models.Model):
    """A chunk of a file's encrypted bytes, where the database stores them."""

    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["file", "number"], name="chunk_stored_once")
        ]
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.file_id}"
