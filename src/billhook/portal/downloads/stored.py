"""The stored documents of downloads, which all nodes share until they expire."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Final

from billhook.portal.installation import environment
from billhook.portal.storage.shelf import MAX_BYTES, Shelf
from billhook.portal.storage.shelves import open_shelf

_LONGEST_WORK: Final = 24 * 3600
"""Seconds for fetching all documents: the first one is stored as long as the last."""
_DOWNLOADS: Final = 4
"""Full downloads for which there is space at least."""


def kept_time() -> timedelta:
    """Return the time for which a finished download is there."""
    return timedelta(hours=environment.current().zip_hours)


@functools.cache
def stored_documents() -> Shelf:
    """Return the shelf of the documents."""
    return open_shelf(
        "zips",
        kept_seconds=kept_time().total_seconds() + _LONGEST_WORK,
        max_bytes=max(MAX_BYTES, _DOWNLOADS * environment.current().zip_bytes),
    )
