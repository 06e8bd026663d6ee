"""The exchanges of one run: sent on its terms, and read in threads where they are large."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeVar

from billhook.engine.answer.content import Content
from billhook.engine.errors import SourceTimeout, StillWorking
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.engine.tokens.values import Values

LARGE: Final = 200_000
"""Responses of more bytes are read in a thread, so that other runs continue meanwhile."""
_READERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="billhook-answer")
"""Few, so that few large responses are in memory at a time; the others wait in their files."""
_Result = TypeVar("_Result")


class ReadableResponse:
    """A response, and its content for paths and conditions. Close it."""

    __slots__ = ("content", "response")

    def __init__(self, response: Response) -> None:
        self.response = response
        self.content = Content(response.status, response.headers, response.body)

    def close(self) -> None:
        """Free the bytes of the response."""
        self.response.body.close()


class Conversation:
    """The exchanges of one run over *transport*."""

    __slots__ = ("_transport", "terms")

    def __init__(self, transport: Transport, terms: RunTerms) -> None:
        self._transport = transport
        self.terms = terms

    def send(self, request: WebRequest, *, max_bytes: int | None = None) -> Awaitable[Response]:
        """Send *request*. *max_bytes* replaces the limit of the command."""
        terms = self.terms
        if max_bytes is not None:
            terms = replace(terms, limits=replace(terms.limits, max_bytes=max_bytes))
        return self._transport.exchange(request, terms)

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
        *,
        inside: bool = True,
    ) -> _Result:
        """Return what *work* finds in *response*, which is closed if that fails.

        *inside* says that it reads the body, which happens in a thread if that is large.
        """
        content = response.content
        try:
            if content.size <= LARGE or not inside:
                return work(content, values)
            return await self._apart(lambda: work(content, values))
        except BaseException:
            response.close()
            raise

    async def _apart(self, work: Callable[[], _Result]) -> _Result:
        """Do *work* in a thread and always wait for its end: it must not read a closed body."""
        started = _READERS.submit(work)
        future = asyncio.wrap_future(started)
        try:
            async with asyncio.timeout_at(self.terms.deadline):
                return await asyncio.shield(future)
        except TimeoutError:
            await _end(started, future)
            raise SourceTimeout("whole") from None
        except asyncio.CancelledError:
            await _end(started, future)
            raise


async def _end(started: Future[_Result], future: asyncio.Future[_Result]) -> None:
    """Cancel *started* if it hasn't begun; otherwise wait until it has ended."""
    if not started.cancel():
        await asyncio.wait([future])
        future.exception()  # so that asyncio doesn't complain that nobody asked for it
