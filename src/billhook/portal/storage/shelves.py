"""The shelves of this installation, where its settings put them."""

from __future__ import annotations

from typing import Final

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path
from billhook.portal.installation.storage_choice import DATABASE, FOLDER, S3Storage
from billhook.portal.storage.byte_store import ByteStore, DatabaseBytes
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.s3_bytes import S3Bytes
from billhook.portal.storage.shared_shelf import SharedShelf
from billhook.portal.storage.shelf import MAX_BYTES, Shelf

_opened: Final[list[SharedShelf]] = []


def open_shelf(name: str, *, kept_seconds: float, max_bytes: int = MAX_BYTES) -> Shelf:
    """Return the shelf *name*: also a folder of the data folder, and a part of a bucket."""
    folder = FolderShelf(data_path(name), kept_seconds=kept_seconds, max_bytes=max_bytes)
    store = byte_store()
    if store is None:
        return folder
    shelf = SharedShelf(
        name, store=store, copies=folder, kept_seconds=kept_seconds, max_bytes=max_bytes
    )
    _opened.append(shelf)
    return shelf


def follow_shelves() -> None:
    """Learn of the notes that other processes have put on the shelves that are open here."""
    for shelf in _opened:
        shelf.follow()


def byte_store() -> ByteStore | None:
    """Return where the bytes of shared files are; None if files are in the data folder alone."""
    settings = environment.current()
    choice = settings.storage or (DATABASE if settings.database_url else FOLDER)
    if isinstance(choice, S3Storage):
        return S3Bytes(choice)
    return DatabaseBytes() if choice == DATABASE else None
