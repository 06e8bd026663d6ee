"""The only way to the rows of stored files: one organisation's, or a whole shelf's to sweep it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.utils import timezone

from billhook.portal.storage.models import FileChunk, StoredFile


def file_of(shelf: str, name: str, organisation_id: str) -> QuerySet[StoredFile]:
    """Return the file or note *name* of an organisation, if it is there and hasn't expired."""
    return unexpired_files(shelf).filter(name=name, organisation_id=organisation_id)


def unexpired_files(shelf: str) -> QuerySet[StoredFile]:
    """Return all files and notes on *shelf* that haven't expired, the oldest first."""
    files = StoredFile.objects.filter(shelf=shelf, expires_at__gt=timezone.now())
    return files.order_by("expires_at")


def expired_files(shelf: str, *, most: int) -> list[StoredFile]:
    """Return the next files and notes on *shelf* to delete."""
    expired = StoredFile.objects.filter(shelf=shelf, expires_at__lte=timezone.now())
    return list(expired.order_by("expires_at")[:most])


def bytes_on(shelf: str) -> int:
    """Return the bytes of all files and notes on *shelf*."""
    return int(unexpired_files(shelf).aggregate(total=Sum("size"))["total"] or 0)


def notes_that_expire_after(shelf: str, moment: datetime) -> dict[str, datetime]:
    """Return by name when the notes on *shelf* expire that expire after *moment*."""
    notes = StoredFile.objects.filter(shelf=shelf, note__isnull=False, expires_at__gt=moment)
    return dict(notes.values_list("name", "expires_at"))


def chunks_of(file: StoredFile, *, at_once: int) -> Iterator[bytes]:
    """Yield the chunks of *file*; if it is deleted meanwhile, they end too early."""
    number = 0
    while True:
        rows = FileChunk.objects.filter(file=file, number__gte=number)
        found = list(rows.values_list("content", flat=True)[:at_once])
        yield from map(bytes, found)
        number += len(found)
        if len(found) < at_once:
            return


def rows_by_name(shelf: str, names: Collection[str]) -> list[StoredFile]:
    """Return the files and notes *names* on *shelf*."""
    return list(StoredFile.objects.filter(shelf=shelf, name__in=names))
