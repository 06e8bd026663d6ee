"""The document that is attached to a mail about its invoice, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from billhook.engine.errors import BillhookError
from billhook.portal.accounts.models import User
from billhook.portal.documents.in_jobs import document_in_job
from billhook.portal.documents.invoice_document import InvoiceDocument, saved_name
from billhook.portal.documents.links import is_link
from billhook.portal.documents.token_values import Click
from billhook.portal.installation import environment
from billhook.portal.invoices.models import Invoice
from billhook.portal.notices.models import Enclosure
from billhook.portal.runs.models import RunKind

FETCH_SHARE: Final = 0.15
"""The share of a job's lease that fetching may take: 9 seconds of 60."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnclosedDocument:
    """A file in a mail; without content, the reason is in ``result``."""

    result: Enclosure
    name: str = ""
    content: bytes = b""
    media_type: str = ""


NOTHING: Final = EnclosedDocument(result=Enclosure.NONE)


def attachment_for(user: User, invoice: Invoice) -> EnclosedDocument:
    """Return the document of *invoice* as VIEW shows it to *user*, unless it is too large."""
    settings = environment.current()
    wanted = InvoiceDocument(click=Click(invoice=invoice, user=user), kind=RunKind.MAIL)
    try:
        found = document_in_job(wanted, seconds=settings.job_lease_seconds * FETCH_SHARE)
    except BillhookError:
        return EnclosedDocument(result=Enclosure.FAILED)
    with found.document as document:
        if is_link(document):
            return EnclosedDocument(result=Enclosure.FAILED)
        if document.size > settings.notice_attachment_bytes:
            return EnclosedDocument(result=Enclosure.TOO_LARGE)
        return EnclosedDocument(
            result=Enclosure.ATTACHED,
            name=saved_name(invoice, found),
            content=document.body.read(),
            media_type=document.media_type,
        )
