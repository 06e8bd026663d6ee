"""The exchanges of one run: sent on its terms, and read within its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from billhook.engine.answer.content import Content
from billhook.engine.answer.document import (
    Document,
    as_document,
    has_to_be_read,
    media_type_of,
    recognise,
)
from billhook.engine.answer.effort import EVERYTHING, Weighed
from billhook.engine.body import Body
from billhook.engine.errors import BillhookError, SourceRefused, StillWorking
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.engine.reader.pool import Inspection, readers
from billhook.engine.reasons.challenge import read_challenges
from billhook.engine.reasons.refusal import refusal_reason
from billhook.engine.tokens.values import Values

_UNAUTHORIZED: Final = 401
_Result = TypeVar("_Result")
_NO_VALUES: Final = Values({})
_OK: Final = 200


class ReadableResponse:
    """A response, and its content for paths and conditions. Close it."""

    __slots__ = ("_content", "response")

    def __init__(self, response: Response) -> None:
        self.response = response
        self._content: Content | None = None

    @property
    def content(self) -> Content:
        """The content; a document that is the whole body doesn't need it."""
        if self._content is None:
            it = self.response
            self._content = Content(it.status, it.all_headers, it.body, address=it.address)
        return self._content

    def close(self) -> None:
        """Free the bytes of the response."""
        self.response.body.close()


class Conversation:
    """The exchanges of one run over *transport*."""

    __slots__ = ("_last", "_transport", "terms")

    def __init__(self, transport: Transport, terms: RunTerms) -> None:
        self._transport = transport
        self._last: Response | None = None
        self.terms = terms

    async def send(self, request: WebRequest, *, max_bytes: int | None = None) -> Response:
        """Send *request*. *max_bytes* replaces the limit of the command."""
        terms = self.terms
        if max_bytes is not None:
            terms = replace(terms, limits=replace(terms.limits, max_bytes=max_bytes))
        self._last = await self._transport.exchange(request, terms)
        return self._last

    def explained(self, error: BillhookError) -> BillhookError:
        """Return *error*, or one that names the credentials that the last response wants."""
        if not isinstance(error, SourceRefused) or error.http_status != _UNAUTHORIZED:
            return error
        if self._last is None or self._last.credential is None:
            return error
        challenges = read_challenges(self._last.headers)
        reason = refusal_reason(challenges, self._last.credential)
        if not reason:
            return error
        explained = SourceRefused(error.http_status, reason)
        explained.source_reason = error.source_reason
        return explained

    async def pause(self, seconds: float) -> None:
        """Wait; raise StillWorking if the deadline would come first."""
        if asyncio.get_running_loop().time() + seconds >= self.terms.deadline:
            raise StillWorking
        await asyncio.sleep(seconds)

    async def read(
        self,
        response: ReadableResponse,
        work: Callable[[Content, Values], _Result],
        values: Values,
        plan: Weighed,
    ) -> _Result:
        """Return what *work* finds in *response*, which is closed if that fails.

        *work* can be pickled, and of *values* it needs those that *plan* names: what may take long
        is done in another process. See :class:`billhook.engine.reader.pool.Readers`.
        """
        inspection = Inspection(work=work, content=response.content, values=values, plan=plan)
        try:
            return await self._read(inspection)
        except BaseException:
            response.close()
            raise

    async def unwrap(
        self,
        response: ReadableResponse,
        work: Callable[[Content, Values], Iterable[bytes]],
        values: Values,
        plan: Weighed,
    ) -> Body:
        """Return the bytes that *work* takes out of *response*; see :meth:`read`."""
        inspection = Inspection(work=work, content=response.content, values=values, plan=plan)
        terms = self.terms
        try:
            return await readers.unwrap(inspection, deadline=terms.deadline, share=terms.share)
        except BaseException:
            response.close()
            raise

    async def take(
        self, content: Content, work: Callable[[Content, Values], Iterable[bytes]]
    ) -> Body:
        """Return the bytes that *work* takes out of *content*, which needs no values."""
        terms = self.terms
        inspection = Inspection(work=work, content=content, values=_NO_VALUES, plan=EVERYTHING)
        return await readers.unwrap(inspection, deadline=terms.deadline, share=terms.share)

    async def look(self, content: Content, work: Callable[[Content, Values], _Result]) -> _Result:
        """Return what *work* finds in *content*, which needs no values."""
        inspection = Inspection(work=work, content=content, values=_NO_VALUES, plan=EVERYTHING)
        return await self._read(inspection)

    async def recognise(self, body: Body, accept: tuple[str, ...]) -> Document:
        """Return the document that *body* is, of one of the media types in *accept*.

        Closes nothing; raises what :func:`billhook.engine.answer.document.recognise` does.
        """
        if not has_to_be_read(body):
            return recognise(body, accept)
        inspection = Inspection(
            work=partial(media_type_of, accept=accept),
            content=Content(_OK, (), body),
            values=_NO_VALUES,
            plan=EVERYTHING,
        )
        return as_document(body, await self._read(inspection))

    def _read(self, inspection: Inspection[_Result]) -> Awaitable[_Result]:
        terms = self.terms
        return readers.read(inspection, deadline=terms.deadline, share=terms.share)
