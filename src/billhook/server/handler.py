"""Runs Django: the whole synchronous chain of one request in one hop to a thread.

Django's own ASGI handler runs the synchronous code of a request in several hops, and by default in
one thread for all requests. Here every request takes one of a few threads, once. What a view leaves
to be fetched (a :class:`DocumentResponse`) is awaited on the event loop afterwards, so that no
thread waits for another system.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import IO, Any, Final, TypeVar

from django.core import signals
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import response_for_exception
from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from billhook.gateway.body import Receive
from billhook.gateway.disconnect import CallerWatch
from billhook.gateway.errors import BodyTooLarge, BodyTooSlow, CallerLeft
from billhook.gateway.response import Send
from billhook.portal.documents.response import DocumentResponse
from billhook.server.asgi_response import ready_content, send_content, send_stream
from billhook.server.bodies import take_body
from billhook.server.threads import DatabaseThreads

THREADS: Final = 4
STREAM_THREADS: Final = 8

Scope = MutableMapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A response, and its content; None if that is still to come."""

    response: HttpResponseBase
    content: bytes | None
    request: ASGIRequest | None = None


class PortalHandler(BaseHandler):
    """The portal as an ASGI application, which lives as long as the server."""

    def __init__(self, *, threads: int = THREADS, stream_threads: int = STREAM_THREADS) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._threads = DatabaseThreads(threads, name="portal")
        self._streams = DatabaseThreads(stream_threads, name="portal-stream")

    async def start(self) -> None:
        """Do nothing: threads start when they are needed."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run *work*, which may use the database, in one of the threads."""
        return await self._threads.run(work)

    async def stop(self) -> None:
        """Finish the work in the threads, and close their database connections."""
        await self._threads.close()
        await self._streams.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request. If the browser leaves, the fetch for it is cancelled."""
        try:
            answer = await self._answer(scope, receive)
        except CallerLeft:
            return
        response = answer.response
        if answer.content is not None:
            await send_content(response, answer.content, send)
        elif isinstance(response, StreamingHttpResponse):
            await send_stream(response, send, threads=self._streams)

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        try:
            body = await take_body(receive)
        except (BodyTooLarge, BodyTooSlow) as error:
            return _refusal(error)
        answer = await self._threads.run(self._respond, scope, body)
        if answer.request is not None and isinstance(answer.response, DocumentResponse):
            return await self._opened(answer.response, answer.request, receive)
        return answer

    def _respond(self, scope: Scope, body: IO[bytes]) -> _Answer:
        """Run middleware, view and template; for a thread.

        Whatever isn't a stream is closed here too: with that the request ends for Django, which
        then looks after this thread's database connection.
        """
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, response = self._ask_django(scope, body)
        response._handler_class = self.__class__  # type: ignore[attr-defined] # noqa: SLF001
        content = ready_content(response)
        if content is not None:
            response.close()
        return _Answer(request=request, response=response, content=content)

    def _ask_django(
        self, scope: Scope, body: IO[bytes]
    ) -> tuple[ASGIRequest | None, HttpResponseBase]:
        try:
            request = ASGIRequest(scope, body)
        except UnicodeDecodeError:
            body.close()
            return None, HttpResponseBadRequest()
        except RequestDataTooBig:
            body.close()
            return None, HttpResponse(status=413)
        return request, self.get_response(request)

    async def _opened(
        self, response: DocumentResponse, request: ASGIRequest, receive: Receive
    ) -> _Answer:
        """Await the real response, unless the browser leaves in the meantime."""
        try:
            with CallerWatch(receive):
                opened = await response.open()
        except CallerLeft:
            raise
        except Exception as error:  # noqa: BLE001 - Django's own edge ended with its chain
            opened = await self._threads.run(response_for_exception, request, error)
            response.dress(opened)
        content = opened.content if isinstance(opened, HttpResponse) else None
        return _Answer(response=opened, content=content)


def _refusal(error: BodyTooLarge | BodyTooSlow) -> _Answer:
    text = f"{error.public_message}\n".encode()
    response = HttpResponse(text, status=error.status, content_type="text/plain; charset=utf-8")
    response["Connection"] = "close"
    return _Answer(response=response, content=text)
