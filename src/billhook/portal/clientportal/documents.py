"""The responses with an invoice's document: the file, its pages, or one kind sentence.

The functions here return responses that are opened on the event loop, after the view has ended.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from billhook.engine.errors import BillhookError, DocumentNotFound
from billhook.portal.documents.held import Holder
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.links import Link, is_link, take_link
from billhook.portal.documents.response import DocumentResponse, send_document
from billhook.portal.documents.viewer import show
from billhook.portal.invoices.file_name import document_name
from billhook.portal.invoices.models import Invoice
from billhook.portal.runs.outcomes import PLAIN_RENDERING
from billhook.portal.runs.recorder import FoundDocument

_PAGE: Final = "clientportal/document_failed.html"
_PART: Final = "clientportal/parts/failed.html"


def holder_of(invoice: Invoice, user_id: str) -> Holder:
    """Return the holder of documents of *invoice* that were fetched for that user."""
    return Holder(user_id=user_id, subject=f"invoice:{invoice.id}")


def file_response(wanted: InvoiceDocument, *, download: bool) -> HttpResponse:
    """Return the response that becomes the document itself, or a page that explains what to do.

    With *download*, a browser saves it instead of showing it.
    """

    async def send() -> HttpResponseBase:
        try:
            found = await wanted.find()
            if is_link(found.document):
                return take_link(found.document).redirect()
        except BillhookError as error:
            return _failure(wanted, error, template=_PAGE)
        document, name = found.document, _file_name(wanted.click.invoice, found)
        return send_document(document, file_name=name, download=download, run_id=wanted.run_id)

    return DocumentResponse(send)


def pages_response(wanted: InvoiceDocument) -> HttpResponse:
    """Return the response that becomes the part of the page in which the document is seen."""

    async def render() -> HttpResponseBase:
        try:
            found = await wanted.find()
            if is_link(found.document):
                return _link_part(wanted, take_link(found.document))
        except BillhookError as error:
            return _failure(wanted, error, template=_PART)
        shown = await show(
            found.document,
            holder=holder_of(wanted.click.invoice, wanted.click.user.id),
            run_id=wanted.run_id,
            file_name=_file_name(wanted.click.invoice, found),
            fetched_at=found.fetched_at,
        )
        context = {
            "invoice": wanted.click.invoice,
            "shown": shown,
            "is_summary": _is_summary(found),
        }
        return HttpResponse(render_to_string("clientportal/parts/pages.html", context))

    return DocumentResponse(render)


def _link_part(wanted: InvoiceDocument, link: Link) -> HttpResponse:
    context = {"invoice": wanted.click.invoice, "link": link, "run_id": wanted.run_id}
    return HttpResponse(render_to_string("clientportal/parts/link.html", context))


def _is_summary(found: FoundDocument) -> bool:
    return found.reason == PLAIN_RENDERING


def _file_name(invoice: Invoice, found: FoundDocument) -> str:
    name = document_name(invoice, extension=found.document.extension)
    return f"summary-{name}" if _is_summary(found) else name


def _failure(wanted: InvoiceDocument, error: BillhookError, *, template: str) -> HttpResponse:
    """Respond with one kind sentence. The run has the details, for members."""
    context = {
        "invoice": wanted.click.invoice,
        "run_id": wanted.run_id,
        "is_not_made_yet": isinstance(error, DocumentNotFound),
    }
    response = HttpResponse(render_to_string(template, context), status=_status(error))
    response.headers["Billhook-Run"] = wanted.run_id
    return response


def _status(error: BillhookError) -> int:
    """Return 404 if there is no document yet, else 502 or 504: never whose fault it was."""
    return error.status if error.status in {404, 504} else 502
