"""The tables of chosen files, kept for all nodes until an import is undone or forgotten."""

from __future__ import annotations

import functools
from typing import Final

from billhook.portal.imports.models import FileImport
from billhook.portal.imports.reading.file import open_table
from billhook.portal.imports.reading.table import FileTable, UnreadableFile
from billhook.portal.storage.shelf import FileGone, Shelf
from billhook.portal.storage.shelves import open_shelf

FILE_GONE: Final = "The file was chosen too long ago. Choose it again."
KEPT_SECONDS: Final = 7 * 24 * 3600


@functools.cache
def kept_files() -> Shelf:
    """Return the shelf of the tables: a week for looking at them."""
    return open_shelf("imports", kept_seconds=KEPT_SECONDS)


def is_kept(file_import: FileImport) -> bool:
    """Return whether the table of the file is still there."""
    return kept_files().has_file(file_import.kept_file, file_import.organisation_id)


def open_kept(file_import: FileImport) -> FileTable:
    """Return the table of the file.

    Raises:
        UnreadableFile: if it isn't kept any longer.
    """
    try:
        with kept_files().open_file(file_import.kept_file, file_import.organisation_id) as file:
            return open_table(file.read())
    except FileGone:
        raise UnreadableFile(FILE_GONE) from None


def read_kept(file_import: FileImport) -> bytes:
    """Return the file as it was chosen.

    Raises:
        UnreadableFile: if it isn't kept any longer.
    """
    try:
        with kept_files().open_file(file_import.kept_file, file_import.organisation_id) as file:
            return file.read()
    except FileGone:
        raise UnreadableFile(FILE_GONE) from None


def remove_kept(file_import: FileImport) -> None:
    """Delete the table of the file, if it is there."""
    kept_files().remove(file_import.kept_file, file_import.organisation_id)
