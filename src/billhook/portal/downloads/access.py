"""The only way to the rows of downloads: each function says who is asking."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact
from billhook.portal.downloads.models import EntryState, ZipDownload, ZipEntry, ZipState
from billhook.portal.invoices.access import invoices_for_contact


def downloads_for_contact(user: User) -> QuerySet[ZipDownload]:
    """Return what *user* asked for in organisations in which they still are a contact."""
    theirs = Contact.objects.filter(user=user, customer__organisation=OuterRef("organisation_id"))
    return ZipDownload.objects.filter(
        Exists(theirs), user=user, expires_at__gt=timezone.now()
    ).select_related("organisation", "user")


def newest_unfinished(user: User) -> ZipDownload | None:
    """Return the newest download of *user* that is still in progress."""
    making = downloads_for_contact(user).filter(state=ZipState.MAKING)
    return making.order_by("-created_at").first()


def download_for_contact(user: User, download_id: str) -> ZipDownload:
    """Return one of them, or raise Http404."""
    found = downloads_for_contact(user).filter(id=download_id).first()
    if found is None:
        raise Http404
    return found


def entries_of(download: ZipDownload) -> list[ZipEntry]:
    """Return the documents of *download*, which the caller may see, in order."""
    return list(download.entries.select_related("invoice__customer", "invoice__organisation"))


def listed_invoice_ids(user: User, entries: list[ZipEntry]) -> set[str]:
    """Return the invoices of *entries* that *user* may see now."""
    ids = [entry.invoice_id for entry in entries]
    return set(invoices_for_contact(user).filter(id__in=ids).values_list("id", flat=True))


def download_to_work_on(download_id: str) -> ZipDownload | None:
    """Return a download for its own job; None if it is gone or has expired."""
    unexpired = ZipDownload.objects.filter(id=download_id, expires_at__gt=timezone.now())
    return unexpired.select_related("organisation", "user").first()


def next_entries(download: ZipDownload, *, most: int) -> list[ZipEntry]:
    """Return documents of *download* that must still be fetched; those that failed come last."""
    waiting = download.entries.filter(state=EntryState.WAITING)
    return list(waiting.select_related("invoice").order_by("tries", "position")[:most])


def has_unfinished(user: User, *, most: int) -> bool:
    """Return whether *user* waits for so many downloads already."""
    return ZipDownload.objects.filter(user=user, state=ZipState.MAKING).count() >= most


def ended_downloads(user: User) -> list[ZipDownload]:
    """Return the downloads of *user* that aren't in progress, newest first."""
    return list(ZipDownload.objects.filter(user=user).exclude(state=ZipState.MAKING))


def expired_downloads() -> QuerySet[ZipDownload]:
    """Return the downloads of all organisations that have expired, for the upkeep."""
    return ZipDownload.objects.filter(expires_at__lte=timezone.now())
