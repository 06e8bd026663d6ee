"""Permissions of the downloads of several documents."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from billhook.engine.body import Body
from billhook.portal.downloads.models import EntryState, ZipDownload, ZipEntry, ZipState
from billhook.portal.downloads.stored import stored_documents
from billhook.portal.storage.shelf import Holder
from portal.who_may import CONTACTS, SIGNED_IN, Row, Target


def _download(target: Target) -> dict[str, object]:
    """Return a download that the contact asked for; anybody else must get nothing."""
    download = ZipDownload.objects.create(
        organisation=target.organisation,
        user=target.contact.user,
        state=ZipState.READY,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    holder = Holder(
        user_id=target.contact.user_id, subject="zip", organisation_id=target.organisation.id
    )
    ZipEntry.objects.create(
        download=download,
        invoice=target.invoice,
        position=0,
        state=EntryState.STORED,
        kept_file=stored_documents().hold(Body(b"%PDF-1.7"), holder),
        file_name="INV-1.pdf",
        size=8,
    )
    return {"download_id": download.id}


ROWS = {
    "downloads": Row(get=SIGNED_IN, post=SIGNED_IN),
    "download-file": Row(get=CONTACTS, given=_download),
    "download-again": Row(post=CONTACTS, given=_download),
    "download-delete": Row(post=CONTACTS, given=_download),
}
