"""The requests of a list: sent one at a time, within its limits, and again when throttled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from billhook.engine.command.command import Command
from billhook.engine.conversation import Conversation, ReadableResponse
from billhook.engine.errors import (
    ListParked,
    SourceCutShort,
    SourceTimeout,
    SourceUnreachable,
)
from billhook.engine.http.cookies import CookieJar
from billhook.engine.http.request import WebRequest
from billhook.engine.http.retries import STUMBLES, asked_pause
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import Response, Transport
from billhook.engine.http_status import TOO_MANY_REQUESTS
from billhook.engine.listing.pace import ListPace

MAX_TRIES: Final = 5
"""So often a request is sent again."""
_LONGEST_PAUSE: Final = 60.0
_UNAVAILABLE: Final = 503
_TROUBLE: Final = (SourceUnreachable, SourceCutShort, SourceTimeout)


@dataclass(slots=True, kw_only=True)
class ListExchange:
    """Sends the requests of one list over *transport*, at the *pace* of its source.

    Each gets the command's time limit. ``requests`` counts those sent.
    """

    transport: Transport
    command: Command
    pace: ListPace
    trace: Trace
    share: str = ""
    chance: Callable[[], float] = random.random
    requests: int = 0
    cookies: CookieJar = field(default_factory=CookieJar)

    def conversation(self) -> Conversation:
        """Return a conversation whose deadline begins now."""
        command = self.command
        now = asyncio.get_running_loop().time()
        terms = RunTerms(
            limits=replace(command.limits, retries=0),
            redirects=command.redirects,
            deadline=now + command.limits.timeout,
            trace=self.trace,
            cookies=self.cookies,
            share=self.share,
            command=command.name,
        )
        return Conversation(_PacedTransport(self), terms)

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request* when its turn has come; again, after a pause, while it is throttled."""
        for tries in range(MAX_TRIES):
            try:
                response = await self._send(request, terms)
            except _TROUBLE:
                if not request.repeatable:
                    raise
                pause = self._pause(tries)
            else:
                pause_or_none = self._pause_after(request, response, tries)
                if pause_or_none is None:
                    return response
                response.body.close()
                pause = pause_or_none
            await self.pace.sleep(pause)
        response = await self._send(request, terms)
        if response.status == TOO_MANY_REQUESTS:
            response.body.close()
            raise ListParked(self.pace.limits.max_wait.total_seconds())
        return response

    async def _send(self, request: WebRequest, terms: RunTerms) -> Response:
        await self.pace.take_turn()
        self.requests += 1
        deadline = asyncio.get_running_loop().time() + terms.limits.timeout
        return await self.transport.exchange(request, replace(terms, deadline=deadline))

    def _pause_after(self, request: WebRequest, response: Response, tries: int) -> float | None:
        """Return the pause before the request is sent again; None if the response counts.

        Raises ListParked where the source asks for a longer pause than the list's limit.
        """
        status = response.status
        if status not in STUMBLES:
            return None
        asked = asked_pause(response.headers)
        if asked is not None and status in {TOO_MANY_REQUESTS, _UNAVAILABLE}:
            if timedelta(seconds=asked) > self.pace.limits.max_wait:
                response.body.close()
                raise ListParked(asked)
            return asked + self.chance()
        if status != TOO_MANY_REQUESTS and not request.repeatable:
            return None
        return self._pause(tries)

    def _pause(self, tries: int) -> float:
        """Return 2, 4, 8 … up to 60 seconds, of which the second half is by chance."""
        longest: float = min(_LONGEST_PAUSE, 2.0 ** (tries + 1))
        return longest * (1 + self.chance()) / 2


class _PacedTransport:
    """The transport of a conversation, which sends at the list's pace."""

    def __init__(self, exchange: ListExchange) -> None:
        self._exchange = exchange

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        return await self._exchange.exchange(request, terms)


def read_deadline(conversation: Conversation) -> Conversation:
    """Return *conversation* with a deadline that begins now, for reading what has come."""
    terms = conversation.terms
    now = asyncio.get_running_loop().time()
    conversation.terms = replace(terms, deadline=now + terms.limits.timeout)
    return conversation


async def send_readable(conversation: Conversation, request: WebRequest) -> ReadableResponse:
    """Send *request*, and return the response for reading."""
    return ReadableResponse(await conversation.send(request))
