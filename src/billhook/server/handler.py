"""Runs Django: the whole synchronous chain of one request in one hop to a thread.

Django's own ASGI handler runs the synchronous code of a request in several hops, and by default in
one thread for all requests. Here every request takes one of a few threads, once. What a view leaves
to be fetched (a :class:`DocumentResponse`) is awaited on the event loop afterwards, so that no
thread waits for another system.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Final, TypeVar

from django.core import signals
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import response_for_exception
from django.db import DatabaseError
from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver, set_script_prefix

from billhook.gateway.body import Receive
from billhook.gateway.disconnect import CallerWatch
from billhook.gateway.errors import BodyTooLarge, BodyTooSlow, CallerLeft, GatewayError
from billhook.gateway.response import Send
from billhook.gateway.route import is_api_path
from billhook.portal.api.problems import ApiProblem, problem_response
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.project.plain_click import PlainClick, admit, plain_click_of
from billhook.server.asgi_response import ready_content, send_content, send_stream
from billhook.server.connections.bodies import take_body
from billhook.server.connections.body_limit import (
    NO_BODY,
    SHORT_BODY,
    BodyLimit,
    LongBodies,
    TooManyBodies,
    is_short,
    limit_of,
)
from billhook.server.threads import DatabaseThreads, QueryThread, ThreadsBusy, WorkTooSlow

THREADS: Final = 4
EDITOR_THREADS: Final = 2
EDITOR_SECONDS: Final = 20.0
"""The longest time for a page that judges the form or the file of an integration."""
_EDITOR: Final = re.compile(r"/backoffice/[^/]+/integrations/")
API_THREADS: Final = 2
API_SECONDS: Final = 30.0
"""The longest time for a call of the API."""
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
        self._editor = DatabaseThreads(EDITOR_THREADS, name="editor", limit=EDITOR_SECONDS)
        self._api = DatabaseThreads(API_THREADS, name="api", limit=API_SECONDS)
        self._streams = DatabaseThreads(stream_threads, name="portal-stream")
        self._reading = QueryThread(name="portal-reading")
        self._long_bodies = LongBodies()

    async def start(self) -> None:
        """Load every page, so that the first one isn't slow, not even one that says we stop."""
        await self._threads.run(_load_pages)

    async def run(self, work: Callable[[], T]) -> T:
        """Run *work*, which may use the database, in one of the threads."""
        return await self._threads.run(work)

    async def stop(self, *, seconds: float) -> None:
        """Finish the work in the threads, and close their database connections."""
        await self._reading.close(seconds=seconds)
        await self._threads.close()
        await self._editor.close()
        await self._api.close()
        await self._streams.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request. If the browser leaves, the fetch for it is cancelled."""
        try:
            click = plain_click_of(scope)
            answer = None if click is None else await self._document(click, receive)
            if answer is None:
                answer = await self._answer(scope, receive)
        except CallerLeft:
            return
        except (ThreadsBusy, WorkTooSlow) as error:
            answer = _refusal(error, scope)
        response = answer.response
        if answer.content is not None:
            await send_content(response, answer.content, send)
        elif isinstance(response, StreamingHttpResponse):
            await send_stream(response, send, threads=self._streams)

    async def _document(self, click: PlainClick, receive: Receive) -> _Answer | None:
        """Return the document of a plain click; None if Django's whole chain must decide."""
        try:
            admitted = await self._reading.run(admit, click)
        except DatabaseError:
            return None
        response = None if admitted is None else admitted.response()
        if admitted is None or response is None:
            return None
        await take_body(receive, limit=0, seconds=SHORT_BODY.seconds)
        return await self._opened(response, admitted.request, receive)

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        limit = SHORT_BODY
        if not is_short(scope["headers"]):
            limit = await self._threads.run(limit_of, scope)
        try:
            with self._long_bodies.room(limit):
                body = await _body(scope, receive, limit)
                answer = await self._threads_for(scope).run(self._respond, scope, body)
        except (BodyTooLarge, BodyTooSlow, TooManyBodies) as error:
            return _refusal(error, scope)
        if limit is NO_BODY:
            answer.response["Connection"] = "close"  # instead of reading the body after all
        if answer.request is not None and isinstance(answer.response, DocumentResponse):
            request = answer.request
            return await self._opened(answer.response, lambda: request, receive)
        return answer

    def _threads_for(self, scope: Scope) -> DatabaseThreads:
        """Return threads of their own for programs, and for what is typed in the editor.

        That may take long. Contacts, and pages that only read, always have theirs.
        """
        if is_api_path(scope["path"]):
            return self._api
        is_typed = scope["method"] == "POST" and _EDITOR.match(scope["path"])
        return self._editor if is_typed else self._threads

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
        self, response: DocumentResponse, request: Callable[[], ASGIRequest], receive: Receive
    ) -> _Answer:
        """Await the real response, unless the browser leaves in the meantime."""
        try:
            with CallerWatch(receive):
                opened = await response.open()
        except CallerLeft:
            raise
        except Exception as error:  # noqa: BLE001 - Django's own edge ended with its chain
            opened = await self._threads.run(_response_for, request(), error)
            response.dress(opened)
        content = opened.content if isinstance(opened, HttpResponse) else None
        return _Answer(response=opened, content=content)


def _load_pages() -> None:
    get_resolver().url_patterns  # noqa: B018 - imports the views


async def _body(scope: Scope, receive: Receive, limit: BodyLimit) -> IO[bytes]:
    """Read the body, unless none is taken or it is declared as longer than *limit*."""
    if limit is NO_BODY:
        return io.BytesIO()
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit.size:
        raise BodyTooLarge(limit.size)
    return await take_body(receive, limit=limit.size, seconds=limit.seconds)


def _response_for(request: ASGIRequest, error: Exception) -> HttpResponseBase:
    """Return Django's page for *error*, which has to be the thread's current exception."""
    try:
        raise error  # noqa: TRY301
    except Exception as raised:  # noqa: BLE001 - as Django's own edge
        return response_for_exception(request, raised)


def _refusal(
    error: BodyTooLarge | BodyTooSlow | TooManyBodies | ThreadsBusy | WorkTooSlow, scope: Scope
) -> _Answer:
    response = _problem(error) if is_api_path(scope["path"]) else _sentence(error)
    response["Connection"] = "close"
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "60"
    return _Answer(response=response, content=response.content)


def _sentence(error: Any) -> HttpResponse:
    text = f"{error.public_message}\n"
    return HttpResponse(text, status=error.status, content_type="text/plain; charset=utf-8")


def _problem(error: Any) -> HttpResponse:
    code = error.code if isinstance(error, GatewayError) else "server-busy"
    return problem_response(ApiProblem(code, error.public_message))
