"""The response whose content is fetched on the event loop, after Django's sync chain has ended.

A view is plain sync code in one thread. The document may have to come from the operator's system,
and no thread should wait for that. So the view returns a :class:`DocumentResponse`, and the
server's handler awaits its :meth:`~DocumentResponse.open` on the event loop and sends the result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from asgiref.sync import async_to_sync
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from billhook.engine.answer.document import Document
from billhook.engine.document_headers import PROTECTIVE, content_disposition

Opener = Callable[[], Awaitable[HttpResponseBase]]
Finisher = Callable[[HttpResponseBase], None]

IN_ONE_PIECE: Final = 1_000_000
"""Documents of up to so many bytes are sent at once; larger ones are streamed."""

SHOWN_KINDS: Final = ("application/pdf", "image/")
"""The types that a browser shows. Others are saved: XML may be a page (XHTML) in disguise."""

DOCUMENT_HEADERS: Final = {
    **dict(PROTECTIVE),
    # No sandbox, and object-src for ourselves: without them browsers' own PDF viewers stay blank.
    "Content-Security-Policy": (
        "default-src 'none'; object-src 'self'; img-src 'self'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
}


class DocumentResponse(HttpResponse):
    """A placeholder for the response that *opener* will return.

    It is a response for the middleware: the headers and cookies that they set on it are carried
    over to the one that is sent. If nobody opens it, it is an honest 503.
    """

    def __init__(self, opener: Opener) -> None:
        super().__init__(
            b"This server can't send documents: it must be started with `billhook serve`.\n",
            status=503,
            content_type="text/plain",
        )
        self._opener = opener
        self._finishers: list[Finisher] = []
        self._has_been_logged = True  # Django would log each as a failure, for its status

    def when_opened(self, finish: Finisher) -> None:
        """Have *finish* change the real response before it is sent."""
        self._finishers.append(finish)

    async def open(self) -> HttpResponseBase:
        """Await the real response and return it, with the cookies and headers set on this one."""
        response = await self._opener()
        self.dress(response)
        return response

    def dress(self, response: HttpResponseBase) -> None:
        """Give *response*, which replaces this one, the headers and cookies set on this one."""
        for name, value in self.items():
            if name not in {"Content-Type", "Content-Length"}:
                response.headers.setdefault(name, value)
        response.cookies.update(self.cookies)
        for finish in self._finishers:
            finish(response)
        if isinstance(response, HttpResponse):
            response.headers["Content-Length"] = str(len(response.content))


def opened(response: HttpResponseBase) -> HttpResponseBase:
    """Return the real response behind *response*: for tests, where no handler opens it."""
    if isinstance(response, DocumentResponse):
        return async_to_sync(response.open)()
    return response


def send_document(
    document: Document, *, file_name: str, download: bool, run_id: str = ""
) -> HttpResponseBase:
    """Return *document* as a response with our own headers only; it closes what it sends.

    Without *download*, a browser shows it, if it is of ``SHOWN_KINDS``.
    """
    response = _with_body(document)
    for name, value in DOCUMENT_HEADERS.items():
        response.headers[name] = value
    response.headers["Content-Length"] = str(document.size)
    saved = download or not document.media_type.startswith(SHOWN_KINDS)
    response.headers["Content-Disposition"] = content_disposition(file_name, download=saved)
    if run_id:
        response.headers["Billhook-Run"] = run_id
    return response


def _with_body(document: Document) -> HttpResponseBase:
    if document.size > IN_ONE_PIECE:
        return _StreamedDocument(document)
    with document.body as body:
        return HttpResponse(body.read(), content_type=document.media_type)


class _StreamedDocument(StreamingHttpResponse):
    """A streamed document; its bytes are released at the end, however that comes."""

    def __init__(self, document: Document) -> None:
        super().__init__(document.body.chunks(), content_type=document.media_type)
        self._body = document.body

    def close(self) -> None:
        self._body.close()
        super().close()
