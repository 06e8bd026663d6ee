"""Changes to downloads: a contact asks for one, has it tried again, or deletes it.

Callers have checked permission with :mod:`access`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from django.db import transaction
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.downloads.access import ended_downloads, expired_downloads, has_unfinished
from billhook.portal.downloads.models import EntryState, Missing, ZipDownload, ZipEntry, ZipState
from billhook.portal.downloads.stored import kept_time, stored_documents
from billhook.portal.installation import environment
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.access import latest_job
from billhook.portal.jobs.models import Job, JobState
from billhook.portal.jobs.services import enqueue, stop
from billhook.portal.limits.pace import AT_ONCE, Pace

ZIP: Final = "zip"
"""The kind of the jobs."""
MOST_UNFINISHED: Final = 3
_MOST_KEPT: Final = 10
"""Downloads of one person; the oldest ones make room for others."""
_FACTS: Final = ("state", "tries", "missing", "run_id", "kept_file", "file_name", "size")
_LONGEST_WORK: Final = timedelta(days=1)
_TRIED_AGAIN: Final = (
    Missing.NOT_MADE_YET,
    Missing.FAILED,
    Missing.NO_RESPONSE,
    Missing.NO_ROOM,
    Missing.NOT_FETCHED,
    Missing.GONE,
)
"""Reasons that may not last."""


class CannotDownload(Exception):
    """The invoices can't be one download; the text is a sentence for the contact."""


def begin_downloads(*, user: User, invoices: Sequence[Invoice]) -> list[ZipDownload]:
    """Have the documents of *invoices* fetched: one download for each organisation.

    Raises:
        CannotDownload: if there are none or too many of them, or *user* waits for others.
    """
    most = environment.current().zip_invoices
    if not invoices:
        raise CannotDownload("Choose at least one invoice, then press Download selected.")
    if len(invoices) > most:
        raise CannotDownload(
            f"One download can have at most {most} invoices. Choose fewer, or narrow the filter."
        )
    if has_unfinished(user, most=MOST_UNFINISHED):
        raise CannotDownload(
            f"{MOST_UNFINISHED} of your downloads are still in progress. Wait for one of them, or "
            "delete it."
        )
    _make_room(user)
    in_order = sorted(invoices, key=lambda invoice: invoice.organisation_id)  # a stable sort
    with transaction.atomic():
        return [
            _begin(user, list(theirs))
            for _, theirs in groupby(in_order, key=lambda invoice: invoice.organisation_id)
        ]


def _make_room(user: User) -> None:
    for download in ended_downloads(user)[_MOST_KEPT - 1 :]:
        delete_download(download=download)


def _begin(user: User, invoices: list[Invoice]) -> ZipDownload:
    download = ZipDownload.objects.create(
        organisation=invoices[0].organisation,
        user=user,
        expires_at=timezone.now() + kept_time() + _LONGEST_WORK,
    )
    ZipEntry.objects.bulk_create(
        ZipEntry(download=download, invoice=invoice, position=position)
        for position, invoice in enumerate(invoices)
    )
    _enqueue(download)
    return download


def _enqueue(download: ZipDownload) -> Job:
    count = download.entries.count()
    return enqueue(
        ZIP,
        organisation=download.organisation,
        subject=download.id,
        title=f"Download of {count} document{'s' * (count != 1)}",
        chain=f"zip:{download.user_id}",
        user=download.user,
    )


def try_again(*, download: ZipDownload) -> bool:
    """Have what is missing fetched again; return False if there is nothing to fetch."""
    if download.state == ZipState.MAKING:
        return False
    with transaction.atomic():
        waiting = download.entries.filter(state=EntryState.WAITING)
        missing = download.entries.filter(state=EntryState.MISSING, missing__in=_TRIED_AGAIN)
        again = missing.update(state=EntryState.WAITING, missing="", tries=0, run_id="")
        if not again and not waiting.exists():
            return False
        begin_again(download=download)
        _enqueue(download)
    return True


def can_be_tried_again(entry: ZipEntry) -> bool:
    """Return whether *entry* may be there the next time."""
    return entry.state == EntryState.WAITING or entry.missing in _TRIED_AGAIN


def begin_again(*, download: ZipDownload) -> None:
    """Note that *download*, which had ended, is in progress."""
    _set(download, ZipState.MAKING, timezone.now() + kept_time() + _LONGEST_WORK)


def end_download(*, download_id: str, job_state: JobState) -> None:
    """Note that the job of a download has ended: from now on it can be had for the set time."""
    state = {JobState.DONE: ZipState.READY, JobState.STOPPED: ZipState.STOPPED}
    download = ZipDownload.objects.filter(id=download_id).first()
    if download is not None:
        _set(download, state.get(job_state, ZipState.FAILED), timezone.now() + kept_time())


def _set(download: ZipDownload, state: ZipState, expires_at: datetime) -> None:
    download.state, download.expires_at = state, expires_at
    download.save(update_fields=["state", "expires_at"])


def save_entry(*, entry: ZipEntry) -> None:
    """Store what became of *entry*, unless its invoice was deleted meanwhile."""
    facts = {name: getattr(entry, name) for name in _FACTS}
    ZipEntry.objects.filter(pk=entry.pk).update(**facts)


def mark_gone(*, entries: Iterable[ZipEntry]) -> None:
    """Note that the storage has lost the documents of *entries*."""
    ids = [entry.pk for entry in entries]
    ZipEntry.objects.filter(pk__in=ids).update(
        state=EntryState.MISSING, missing=Missing.GONE, kept_file="", size=0
    )


def delete_download(*, download: ZipDownload) -> None:
    """Stop its job, and delete it with its documents."""
    job = latest_job(ZIP, download.id)
    if job is not None:
        stop(job=job)
    names = list(download.entries.exclude(kept_file="").values_list("kept_file", flat=True))
    download.delete()
    for name in names:
        stored_documents().remove(name, download.organisation_id)


def forget_old_downloads(pace: Pace = AT_ONCE) -> None:
    """Delete the downloads that have expired, with their documents."""
    for download in expired_downloads():
        if not pace.goes_on:
            return
        delete_download(download=download)
