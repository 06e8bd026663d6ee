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
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase

from billhook.engine.answer.document import Document
from billhook.engine.answer.kinds import XML
from billhook.engine.body import Body
from billhook.portal.documents.held import DocumentGone, Held, Holder, ShelfFull, read_token, shelf
from billhook.portal.documents.limits import Reason
from billhook.portal.documents.renderer import CannotShow, Renderer, renderer
from billhook.portal.documents.response import DocumentResponse, send_document
from billhook.portal.installation import environment

PAGES_SHOWN: Final = 50
"""The number of pages shown; the page says how many more the download has."""
_PATIENCE: Final = 30.0
_GONE: Final = "This copy was available for ten minutes and has expired. Open the invoice again.\n"
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
    with document:
        name = await _hold(document.body)
    held = Held(
        name=name,
        user_id=holder.user_id,
        subject=holder.subject,
        run_id=run_id,
        media_type=document.media_type,
        file_name=file_name,
        size=document.size,
        fetched_at=time.time() if fetched_at is None else fetched_at,
    )
    return await _with_pages(held) if name else ShownDocument(held=held, trouble=Reason.TOO_LARGE)


async def _hold(body: Body) -> str:
    """Return the name under which *body* is held, or an empty one if there is no space."""
    try:
        return await asyncio.to_thread(shelf().hold, body)
    except ShelfFull:
        return ""


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


def page_response(token: str, holder: Holder, *, number: int) -> HttpResponse:
    """Return the response that becomes the image of page *number* of a held document.

    Raises:
        Http404: if *holder* has no such document; it must be fetched again then.
    """
    held = _held_or_404(token, holder)

    async def draw() -> HttpResponse:
        try:
            image = await _draw(
                held, lambda at, file: at.page(file, held.media_type, number=number)
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
            body = Body(file=shelf().open(held))
        except DocumentGone:
            return HttpResponse(_GONE, status=404, content_type="text/plain")
        document = Document(media_type=held.media_type, extension="", body=body)
        return send_document(
            document, file_name=held.file_name, download=download, run_id=held.run_id
        )

    return DocumentResponse(send)


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
    if not shelf().has(held):
        raise Http404
    return held


async def _draw(held: Held, work: Callable[[Renderer, BinaryIO], _Drawn]) -> _Drawn:
    """Do *work* with the held file in one of the few threads that wait for PDFium."""

    def in_thread() -> _Drawn:
        with shelf().open(held) as file:
            return work(renderer(), file)

    loop = asyncio.get_running_loop()
    try:
        return await asyncio.wait_for(loop.run_in_executor(_threads(), in_thread), _PATIENCE)
    except TimeoutError:
        raise CannotShow(Reason.BUSY) from None


@functools.cache
def _threads() -> ThreadPoolExecutor:
    size = environment.current().page_processes
    return ThreadPoolExecutor(max_workers=size, thread_name_prefix="pages")
