"""Changes to the rows of stored files."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

from django.db import transaction

from billhook.portal.storage.models import FileChunk, StoredFile


def save_note(row: StoredFile) -> None:
    """Store a note, replacing the one of its name."""
    StoredFile.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["shelf", "name"],
        update_fields=["note", "size", "stored_at", "expires_at"],
    )


def save_file(file: StoredFile, sealed: Iterator[bytes], *, at_once: int) -> None:
    """Store a new file with its chunks, both or neither."""
    chunks = (FileChunk(file=file, number=n, content=each) for n, each in enumerate(sealed))
    with transaction.atomic():
        file.save(force_insert=True)
        while some := list(itertools.islice(chunks, at_once)):
            FileChunk.objects.bulk_create(some)


def delete_files(files: Collection[StoredFile]) -> None:
    """Delete *files*, with their chunks."""
    StoredFile.objects.filter(pk__in=[file.pk for file in files]).delete()
