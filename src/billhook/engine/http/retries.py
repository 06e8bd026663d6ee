"""A transport that sends a harmless request again when the source stumbled."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

from billhook.engine.errors import (
    SourceCutShort,
    SourceStatus,
    SourceTimeout,
    SourceUnreachable,
)
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport

STUMBLES: Final = frozenset({429, 502, 503, 504})
"""Statuses that mean: the same request may succeed in a moment (RFC 9110, 15.6; RFC 6585, 4)."""
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0
"""Seconds; between the two, the pause doubles with each try."""
LONGEST_ASKED: Final = 20.0
"""Seconds that a source may ask us to wait; if it asks for more, there is no further try."""
NEVER: Final = math.inf
_BEFORE_ANSWER: Final = frozenset({"lookup", "connect", "tls"})
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class RetryingTransport:
    """Passes requests on to *inner*, and repeatable ones again, up to ``limits.retries`` times.

    Again means after connection trouble and after the statuses in :data:`STUMBLES`, after as long
    as Retry-After says or else a random part of a growing pause ("full jitter", so that many don't
    come back at once), and never beyond the deadline. Each try is an attempt of its own in the
    trace. The last response or error is what counts.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._sleep = sleep
        self._chance = chance

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        send = partial(self._inner.exchange, request, terms)
        for tries in range(terms.limits.retries if request.repeatable else 0):
            try:
                response = await send()
            except (SourceUnreachable, SourceCutShort, SourceTimeout) as error:
                pause = self._pause(tries) if _is_connection_trouble(error) else NEVER
                if not _fits(pause, terms.deadline):
                    raise
            else:
                pause = self._pause_after(response, tries)
                if not _fits(pause, terms.deadline):
                    return response
                response.body.close()
                terms.trace.conclude(SourceStatus.code)
            await self._sleep(pause)
        return await send()

    def _pause_after(self, response: Response, tries: int) -> float:
        """Return the pause after *response*, before the request may be sent again."""
        if response.status not in STUMBLES:
            return NEVER
        asked = asked_pause(response.headers)
        return self._pause(tries) if asked is None else asked + self._chance() * FIRST_PAUSE

    def _pause(self, tries: int) -> float:
        longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries)
        return self._chance() * longest


def _is_connection_trouble(error: Exception) -> bool:
    return not isinstance(error, SourceTimeout) or error.phase in _BEFORE_ANSWER


def _fits(pause: float, deadline: float) -> bool:
    """Say whether there is time for a pause and anything after it."""
    return pause <= LONGEST_ASKED + FIRST_PAUSE and (
        asyncio.get_running_loop().time() + pause < deadline
    )


def asked_pause(headers: tuple[tuple[str, str], ...]) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None (RFC 9110, 10.2.3)."""
    text = next((value for name, value in headers if name.lower() == "retry-after"), "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year or a zone of twenty digits is the latter
        return None
    if when.tzinfo is None:  # the date ends in -0000, which is UTC all the same
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
