"""Downloads of several documents: choose invoices, see how far it is, and get the zip."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billhook.engine.answer.document import Document
from billhook.engine.errors import NoRoom
from billhook.portal.accounts.who import user_of
from billhook.portal.clientportal import pages
from billhook.portal.clientportal.downloads_page import DownloadCard, download_cards
from billhook.portal.clientportal.reader import Reader, reader_of
from billhook.portal.documents.response import DocumentResponse, send_document
from billhook.portal.documents.visits.document_page import seconds_to_wait
from billhook.portal.downloads.access import download_for_contact, newest_unfinished
from billhook.portal.downloads.models import ZipDownload
from billhook.portal.downloads.packing import Packing
from billhook.portal.downloads.services import (
    ZIP,
    CannotDownload,
    begin_downloads,
    delete_download,
    mark_gone,
    try_again,
)
from billhook.portal.installation import environment
from billhook.portal.invoices.access import chosen_invoices
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.access import latest_job
from billhook.portal.jobs.waiting import wait_for_job
from billhook.portal.storage.threads import in_storage_thread

ALL = "all"
"""The choice of every invoice that matches the filters, on all pages."""
_PACKING: Final = asyncio.Semaphore(2)
"""Zips that are packed at once: the other threads of the storage are for those who view."""


@require_http_methods(["GET", "HEAD", "POST"])
def downloads(request: HttpRequest) -> HttpResponse:
    """List the downloads; POST begins one with the chosen invoices."""
    reader = reader_of(request)
    if request.method == "POST":
        return _begin(request, reader)
    cards = _after_a_moment(reader)
    context = {
        "cards": cards,
        "is_open": any(card.is_open for card in cards),
        "hours": environment.current().zip_hours,
    }
    return render(request, "clientportal/downloads.html", context)


@require_GET
def download_file(request: HttpRequest, download_id: str) -> HttpResponseBase:
    """Respond with the zip of what the contact may see now."""
    reader = reader_of(request)
    download = download_for_contact(reader.user, download_id)
    packing = Packing.of(download)
    if not packing.documents:
        return HttpResponseRedirect(reverse("downloads"))
    if seconds := seconds_to_wait(reader.reader_id):
        return _too_fast(request, seconds)
    return DocumentResponse(lambda: _zip_response(download, packing))


@require_POST
def download_again(request: HttpRequest, download_id: str) -> HttpResponse:
    """Have the missing documents fetched again."""
    download = download_for_contact(user_of(request), download_id)
    if not try_again(download=download):
        messages.info(request, "There is nothing to fetch again.")
    return HttpResponseRedirect(reverse("downloads"))


@require_POST
def download_delete(request: HttpRequest, download_id: str) -> HttpResponse:
    """Delete a download; one in progress is stopped."""
    download = download_for_contact(user_of(request), download_id)
    delete_download(download=download)
    messages.success(request, "The download was deleted.")
    return HttpResponseRedirect(reverse("downloads"))


def _begin(request: HttpRequest, reader: Reader) -> HttpResponse:
    query = QueryDict(request.POST.get("query", ""))
    try:
        begin_downloads(user=reader.user, invoices=_chosen(request, reader, query))
    except CannotDownload as error:
        messages.error(request, str(error))
        address = reverse("home")
        return HttpResponseRedirect(f"{address}?{query.urlencode()}" if query else address)
    return HttpResponseRedirect(reverse("downloads"))


def _chosen(request: HttpRequest, reader: Reader, query: QueryDict) -> list[Invoice]:
    """Return the chosen invoices, one more than allowed at most, in the order of the list."""
    most = environment.current().zip_invoices + 1
    if request.POST.get("what") == ALL:
        found = pages.invoices_on_all_pages(reader, query, today=timezone.localdate())
        return list(found[:most])
    ids = list(dict.fromkeys(request.POST.getlist("invoice")))[:most]
    return chosen_invoices(reader.invoices, ids)


def _after_a_moment(reader: Reader) -> list[DownloadCard]:
    """Return the cards; a download that has just begun may be there in a moment."""
    newest = newest_unfinished(reader.user)
    job = latest_job(ZIP, newest.id) if newest else None
    if job is not None:
        wait_for_job(job)
    return download_cards(reader.user)


def _too_fast(request: HttpRequest, seconds: float) -> HttpResponse:
    messages.info(request, "You opened many documents within a minute. Wait a moment.")
    response = HttpResponseRedirect(reverse("downloads"))
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response


async def _zip_response(download: ZipDownload, packing: Packing) -> HttpResponseBase:
    try:
        async with _PACKING:
            body = await in_storage_thread(packing.pack)
    except NoRoom as error:
        return HttpResponse(error.public_message, status=503, content_type="text/plain")
    if packing.gone:
        await in_storage_thread(mark_gone, entries=packing.gone)
    document = Document(media_type="application/zip", extension="zip", body=body)
    name = f"invoices-{timezone.localtime(download.created_at):%Y-%m-%d}.zip"
    return send_document(document, file_name=name, download=True)
