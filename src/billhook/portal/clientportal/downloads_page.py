"""The content of the page Downloads: each download in words, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from billhook.portal.accounts.models import User
from billhook.portal.downloads.access import downloads_for_contact, entries_of, listed_invoice_ids
from billhook.portal.downloads.models import EntryState, ZipDownload, ZipEntry, ZipState
from billhook.portal.downloads.packing import reason_of
from billhook.portal.downloads.services import can_be_tried_again


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingDocument:
    """An invoice whose document isn't in a download, the reason, and the run to ask about."""

    entry: ZipEntry
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadCard:
    """One download as the page shows it, with what its contact may see now."""

    download: ZipDownload
    total: int
    ended: int
    stored: int
    size: int
    missing: list[MissingDocument]
    can_try_again: bool

    @property
    def is_open(self) -> bool:
        """Whether documents are still being fetched."""
        return self.download.state == ZipState.MAKING

    @property
    def can_be_had(self) -> bool:
        """Whether there is something to download now."""
        return not self.is_open and self.stored > 0

    @property
    def is_whole(self) -> bool:
        """Whether every document is there."""
        return self.stored == self.total


def download_cards(user: User) -> list[DownloadCard]:
    """Return the downloads of *user*, newest first; those of which nothing is left aren't shown."""
    cards = map(_card, downloads_for_contact(user))
    return [card for card in cards if card.total]


def _card(download: ZipDownload) -> DownloadCard:
    entries = entries_of(download)
    listed = listed_invoice_ids(download.user, entries)
    ours = [entry for entry in entries if entry.invoice_id in listed]
    stored = [entry for entry in ours if entry.state == EntryState.STORED]
    is_over = download.state != ZipState.MAKING
    return DownloadCard(
        download=download,
        total=len(ours),
        ended=sum(entry.state != EntryState.WAITING for entry in ours),
        stored=len(stored),
        size=sum(entry.size for entry in stored),
        missing=list(_missing(ours, is_over=is_over)),
        can_try_again=is_over
        and any(can_be_tried_again(each) for each in ours if each.state != EntryState.STORED),
    )


def _missing(entries: Iterable[ZipEntry], *, is_over: bool) -> Iterable[MissingDocument]:
    for entry in entries:
        if entry.state == EntryState.MISSING or (is_over and entry.state == EntryState.WAITING):
            yield MissingDocument(entry=entry, reason=reason_of(entry))
