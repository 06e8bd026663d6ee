"""A document fetched in a job's own thread: the same command as VIEW, recorded as a run."""

from __future__ import annotations

import asyncio

from asgiref.sync import async_to_sync

from billhook.engine.errors import SourceTimeout
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.integrations.store import get_store
from billhook.portal.runs.recorder import FoundDocument, get_recorder


def document_in_job(wanted: InvoiceDocument, *, seconds: float) -> FoundDocument:
    """Return the document within so many *seconds*; the caller closes it.

    The records of its runs are written before this returns.

    Raises:
        BillhookError: as :meth:`InvoiceDocument.find` does; SourceTimeout if it takes too long.
    """
    try:
        return async_to_sync(_find)(wanted, seconds)
    finally:
        get_recorder().flush()


async def _find(wanted: InvoiceDocument, seconds: float) -> FoundDocument:
    try:
        async with asyncio.timeout(seconds):
            return await wanted.find()
    except TimeoutError:
        raise SourceTimeout("whole") from None
    finally:
        await get_store().stop(seconds=1)  # its connections belong to this event loop
