"""The responses with a document that a person asks for: the file, its pages, or a kind sentence.

The functions here return responses that are opened on the event loop, after the view has ended.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone

from billhook.engine.errors import BillhookError, DocumentNotFound, NoRoom
from billhook.engine.isolation.rate_limit import RateLimit
from billhook.engine.stop import ServerStopped
from billhook.portal.documents.links import Link, is_link, take_link
from billhook.portal.documents.response import DocumentResponse, send_document
from billhook.portal.documents.unattended import Visit, unattended_fetches
from billhook.portal.documents.viewer import show
from billhook.portal.documents.visits.wanted import WantedDocument
from billhook.portal.installation import environment
from billhook.portal.runs.outcomes import PLAIN_RENDERING, needs_member
from billhook.portal.runs.recorder import FoundDocument

_PAGE: Final = "documents/failed_page.html"
_PART: Final = "documents/failed.html"
_RETRY_SECONDS: Final = "5"
_TOO_MANY_REQUESTS: Final = 429
_OUR_OWN: Final = (NoRoom, ServerStopped)
"""Reasons on our side that pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPlace:
    """The page where a document is shown: the user who reads it, and the values of its templates.

    *shown_with* gives these when a template needs them: ``address``, with which the document's own
    addresses begin; ``organisation``; and the ``invoice``, or ``statement`` with ``own``, the
    address of our own.
    """

    reader_id: str
    shown_with: Callable[[], dict[str, object]]


def file_response(wanted: WantedDocument, place: DocumentPlace, *, download: bool) -> HttpResponse:
    """Return the response that becomes the document itself, or a page that explains what to do.

    With *download*, a browser saves it instead of showing it.
    """
    if seconds := seconds_to_wait(place.reader_id):
        return _too_fast(place, seconds, template=_PAGE)
    return fetched_file(wanted, place, download=download)


def seconds_to_wait(user_id: str) -> float:
    """Count a file that a user opens; return 0, or how long they must wait for another."""
    return _file_rate().use(user_id)


def fetched_file(
    wanted: WantedDocument, place: DocumentPlace, *, download: bool
) -> DocumentResponse:
    """Return the response that becomes the document, for a file that is counted already."""

    async def send() -> HttpResponseBase:
        try:
            visit = await unattended_fetches().find(wanted)
            found = visit.found
            if is_link(found.document):
                return take_link(found.document).redirect()
        except BillhookError as error:
            return _failure(wanted, error, place=place, template=_PAGE)
        name = wanted.saved_name(found)
        return send_document(found.document, file_name=name, download=download, run_id=visit.run_id)

    return DocumentResponse(send)


def pages_response(wanted: WantedDocument, place: DocumentPlace) -> HttpResponse:
    """Return the response that becomes the part of the page in which the document is seen."""
    if seconds := _view_rate().use(place.reader_id):
        return _too_fast(place, seconds, template=_PART)
    zone = timezone.get_current_timezone()

    async def render() -> HttpResponseBase:
        try:
            visit = await unattended_fetches().find(wanted)
            if is_link(visit.found.document):
                return _link_part(wanted, take_link(visit.found.document), place)
        except BillhookError as error:
            return _failure(wanted, error, place=place, template=_PART)
        context = await _shown(wanted, visit) | place.shown_with()
        with timezone.override(zone):
            return HttpResponse(render_to_string("documents/pages.html", context))

    return DocumentResponse(render)


async def _shown(wanted: WantedDocument, visit: Visit) -> dict[str, object]:
    shown = await show(
        visit.found.document,
        holder=wanted.holder,
        run_id=visit.run_id,
        file_name=wanted.saved_name(visit.found),
        fetched_at=visit.found.fetched_at,
    )
    return {"shown": shown, "is_summary": _is_summary(visit.found)}


def _link_part(wanted: WantedDocument, link: Link, place: DocumentPlace) -> HttpResponse:
    context = place.shown_with() | {"link": link, "run_id": wanted.run_id}
    return HttpResponse(render_to_string("documents/link.html", context))


def _is_summary(found: FoundDocument) -> bool:
    return found.reason == PLAIN_RENDERING


def _failure(
    wanted: WantedDocument, error: BillhookError, *, place: DocumentPlace, template: str
) -> HttpResponse:
    """Respond with one kind sentence. The run has the details, for members."""
    context = place.shown_with() | {
        "run_id": wanted.run_id,
        "is_not_made_yet": isinstance(error, DocumentNotFound),
        "is_reported": needs_member(error.code, error.reason),
    }
    response = HttpResponse(render_to_string(template, context), status=status_of(error))
    response.headers["Billhook-Run"] = wanted.run_id
    if isinstance(error, _OUR_OWN):
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _too_fast(place: DocumentPlace, seconds: float, *, template: str) -> HttpResponse:
    """Ask for a moment: nothing is fetched, and no run is recorded."""
    context = place.shown_with() | {"is_too_fast": True}
    response = HttpResponse(render_to_string(template, context), status=_TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response


def reader_rates() -> dict[str, RateLimit]:
    """Return the limits of each person by name, which processes may share."""
    return {"view": _view_rate(), "file": _file_rate()}


@functools.cache
def _view_rate() -> RateLimit:
    """Return the limit of views for each person."""
    per_minute = environment.current().view_rate
    return RateLimit(per_second=per_minute / 60, burst=per_minute)


@functools.cache
def _file_rate() -> RateLimit:
    """Return the limit of files for each person: that of an API key, which gets them as well."""
    per_second = environment.current().api_rate
    return RateLimit(per_second=per_second, burst=2 * per_second)


def status_of(error: BillhookError) -> int:
    """Return 404 if there is no document yet, 503 if we can't fetch it now, else 502 or 504.

    Which of the sources failed, and how, is for members.
    """
    if isinstance(error, _OUR_OWN):
        return 503
    return error.status if error.status in {404, 504} else 502
