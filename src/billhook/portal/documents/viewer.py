"""The viewer of a document: holds it, measures its pages, then serves their images and the file.

This runs on the event loop after Django's sync chain (see
:mod:`billhook.portal.documents.response`), so that no thread of the pages waits for PDFium. The
view has already checked permission.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from typing import BinaryIO, Final, TypeVar

from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from billhook.engine.answer.document import Document
from billhook.engine.answer.kinds import XML
from billhook.engine.body import Body
from billhook.engine.isolation.fair_shares import FairShares
from billhook.portal.documents.held import (
    DocumentGone,
    Held,
    has_held,
    open_held,
    read_token,
    shelf,
)
from billhook.portal.documents.limits import TEXT_SCALE, Reason
from billhook.portal.documents.renderer import PAGE_WIDTH, CannotShow, Renderer, renderer
from billhook.portal.documents.response import DocumentResponse, send_document
from billhook.portal.documents.slow_documents import SlowDocuments
from billhook.portal.installation import environment
from billhook.portal.storage.shelf import Holder, ShelfFull
from billhook.portal.storage.threads import in_storage_thread

PAGES_SHOWN: Final = 50
"""The number of pages shown; the page says how many more the download has."""
_PATIENCE: Final = 30.0
_GONE: Final = "This copy was available for ten minutes and has expired. Open it again.\n"
_Drawn = TypeVar("_Drawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageImage:
    """One page: its number, and the width and height of its image in pixels."""

    number: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDocument:
    """A document for a page: either ``pages`` or a ``trouble`` is set."""

    held: Held
    pages: tuple[PageImage, ...] = ()
    page_count: int = 0
    has_e_invoice: bool = False
    trouble: Reason | None = None
    attachments: tuple[Held, ...] = ()

    @property
    def token(self) -> str:
        """The token of the held document in URLs; empty if there was no space to hold it."""
        return self.held.token() if self.held.name else ""

    @property
    def pages_left_out(self) -> int:
        """The number of pages that aren't shown."""
        return self.page_count - len(self.pages)


async def show(
    document: Document,
    *,
    holder: Holder,
    run_id: str,
    file_name: str,
    fetched_at: float | None = None,
) -> ShownDocument:
    """Hold *document* for *holder* and return its pages. The document is closed then.

    It was fetched just now, unless *fetched_at* is given (in seconds since 1970).
    """
    at = time.time() if fetched_at is None else fetched_at
    with document:
        held = await _hold(document, holder, run_id=run_id, file_name=file_name, at=at)
        attached = [
            await _hold(each, holder, run_id=run_id, file_name=_name_of(each, file_name), at=at)
            for each in document.attachments
        ]
    if not held.name:
        return ShownDocument(held=held, trouble=Reason.TOO_LARGE)
    shown = await _with_pages(held)
    return replace(shown, attachments=tuple(each for each in attached if each.name))


def _name_of(attachment: Document, file_name: str) -> str:
    """Return the name of an attachment: the document's own, with another extension."""
    return f"{file_name.rpartition('.')[0]}.{attachment.extension}"


async def _hold(
    document: Document, holder: Holder, *, run_id: str, file_name: str, at: float
) -> Held:
    """Hold *document*; without a ``name`` there was no space for it."""
    try:
        name = await in_storage_thread(shelf().hold, document.body, holder)
    except ShelfFull:
        name = ""
    return Held(
        name=name,
        user_id=holder.user_id,
        subject=holder.subject,
        run_id=run_id,
        media_type=document.media_type,
        file_name=file_name,
        size=document.size,
        fetched_at=at,
        organisation_id=holder.organisation_id,
    )


async def _with_pages(held: Held) -> ShownDocument:
    try:
        pages = await _draw(held, lambda at, file: at.pages(file, held.media_type))
    except CannotShow as error:
        return ShownDocument(held=held, trouble=error.reason)
    images = tuple(
        PageImage(number=number, width=width, height=height)
        for number, size in enumerate(pages.sizes[:PAGES_SHOWN], start=1)
        for width, height in (size.pixels(),)
    )
    return ShownDocument(
        held=held, pages=images, page_count=pages.count, has_e_invoice=pages.has_e_invoice
    )


def page_response(
    token: str, holder: Holder, *, number: int, is_sharp: bool = False
) -> HttpResponse:
    """Return the response that becomes the image of page *number* of a held document.

    If it *is_sharp*, it has twice the width, for somebody who zooms in.

    Raises:
        Http404: if *holder* has no such document; it must be fetched again then.
    """
    held = _held_or_404(token, holder)
    width = 2 * PAGE_WIDTH if is_sharp else PAGE_WIDTH

    async def draw() -> HttpResponse:
        try:
            image = await _draw(
                held,
                lambda at, file: at.page(file, held.media_type, number=number, width=width),
            )
        except CannotShow as error:
            return HttpResponse(error.reason.message, status=422, content_type="text/plain")
        except DocumentGone:
            return HttpResponse(_GONE, status=404, content_type="text/plain")
        return HttpResponse(image, content_type="image/png")

    return DocumentResponse(draw)


def file_response(token: str, holder: Holder, *, download: bool) -> HttpResponse:
    """Return the response that becomes the held document itself, byte for byte.

    Raises:
        Http404: if *holder* has no such document; it must be fetched again then.
    """
    held = _held_or_404(token, holder)

    async def send() -> HttpResponseBase:
        try:
            body = Body(file=await in_storage_thread(open_held, held))
        except DocumentGone:
            return HttpResponse(_GONE, status=404, content_type="text/plain")
        document = Document(media_type=held.media_type, extension="", body=body)
        return send_document(
            document, file_name=held.file_name, download=download, run_id=held.run_id
        )

    return DocumentResponse(send)


def text_response(token: str, holder: Holder) -> HttpResponse:
    """Return the response that becomes the text of a held document, for laying over its pages.

    Raises:
        Http404: if *holder* has no such document; it must be fetched again then.
    """
    held = _held_or_404(token, holder)

    async def read() -> HttpResponse:
        try:
            pages = await _draw(
                held, lambda at, file: at.text(file, held.media_type, pages=PAGES_SHOWN)
            )
        except CannotShow as error:
            return HttpResponse(error.reason.message, status=422, content_type="text/plain")
        except DocumentGone:
            return HttpResponse(_GONE, status=404, content_type="text/plain")
        return JsonResponse({"scale": TEXT_SCALE, "pages": [[*map(astuple, p)] for p in pages]})

    return DocumentResponse(read)


def e_invoice_response(token: str, holder: Holder, *, file_name: str) -> HttpResponse:
    """Return the response that becomes the e-invoice inside a held PDF, as a download.

    Raises:
        Http404: if *holder* has no such document; it must be fetched again then.
    """
    held = _held_or_404(token, holder)

    async def send() -> HttpResponseBase:
        try:
            data = await _draw(held, lambda at, file: at.e_invoice(file, held.media_type))
        except CannotShow as error:
            return HttpResponse(error.reason.message, status=422, content_type="text/plain")
        except DocumentGone:
            return HttpResponse(_GONE, status=404, content_type="text/plain")
        document = Document(media_type=XML.media_type, extension=XML.extension, body=Body(data))
        return send_document(document, file_name=file_name, download=True, run_id=held.run_id)

    return DocumentResponse(send)


def _held_or_404(token: str, holder: Holder) -> Held:
    try:
        held = read_token(token, holder)
    except DocumentGone:
        raise Http404 from None
    if not has_held(held):
        raise Http404
    return held


async def _draw(held: Held, work: Callable[[Renderer, BinaryIO], _Drawn]) -> _Drawn:
    """Do *work* with the held file when it is its organisation's turn.

    A document that was too slow before is refused at once, also while others wait.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            if _slow().may_know(held.size):
                await in_storage_thread(_refuse_slow, held)
            await _places().enter(held.organisation_id)
            return await _draw_in_place(held, work)
    except TimeoutError:
        raise CannotShow(Reason.BUSY) from None


def _draw_in_place(
    held: Held, work: Callable[[Renderer, BinaryIO], _Drawn]
) -> asyncio.Future[_Drawn]:
    """Do *work* in a thread that waits for PDFium. Its place is taken until that is done."""

    def in_thread() -> _Drawn:
        with open_held(held) as file:
            _slow().check(file, held.size)
            with _slow().noting(file, held.size):
                return work(renderer(), file)

    drawing = asyncio.get_running_loop().run_in_executor(_threads(), in_thread)

    def leave(drawn: asyncio.Future[_Drawn]) -> None:
        _places().leave(held.organisation_id)
        drawn.exception()  # so that asyncio doesn't complain if nobody waits for it any more

    drawing.add_done_callback(leave)
    return asyncio.shield(drawing)


def _refuse_slow(held: Held) -> None:
    with open_held(held) as file:
        _slow().check(file, held.size)


@functools.cache
def _slow() -> SlowDocuments:
    return SlowDocuments()


@functools.cache
def _places() -> FairShares:
    return FairShares(environment.current().page_processes)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_places().places, thread_name_prefix="pages")
