"""A transport that leaves a source alone for a while after it failed several times in a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from billhook.engine.errors import (
    AuthenticationFailed,
    SourceBroken,
    SourceCutShort,
    SourceError,
    SourcePaused,
    SourceTimeout,
    SourceTlsFailed,
    SourceUnreachable,
)
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.engine.http_status import SERVER_ERRORS, TOO_MANY_REQUESTS

FAILURES: Final = 5
"""So many failures in a row, of one step, open the breaker."""
FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 300.0
"""Seconds; between the two, the pause doubles each time that a single try fails."""
_FAILURES: Final = (
    AuthenticationFailed,
    SourceBroken,
    SourceCutShort,
    SourceTimeout,
    SourceTlsFailed,
    SourceUnreachable,
)
"""Errors of the source itself. Others say something of the request, the policy or the document."""


class State(Enum):
    """The state of a breaker, which allows everything, nothing, or one request as a trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """The state of a breaker, for people. Times are in seconds since 1970.

    ``since`` is None as long as it has always been closed. ``next_try`` is when the next request is
    let through; None while they all are.
    """

    state: State
    since: float | None
    next_try: float | None
    failures: int


class BreakerTransport:
    """Passes requests on to *inner*, unless it failed so often that it is paused.

    Failures are counted by step, so that a search that works doesn't hide that getting the document
    never does. After :data:`FAILURES` in a row every request fails at once with SourcePaused. When
    the pause is over, one request is let through: if it succeeds, all are again, and if it fails,
    the next pause is twice as long.
    """

    def __init__(self, inner: Transport, *, clock: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._pause = FIRST_PAUSE
        self._culprit = ""
        self._since: float | None = None
        self._until: float | None = None
        self._is_trying = False

    @property
    def state(self) -> BreakerState:
        """The present state."""
        if self._until is None:
            state = State.CLOSED
        elif self._is_trying or self._clock() >= self._until:
            state = State.HALF_OPEN
        else:
            state = State.OPEN
        return BreakerState(
            state=state,
            since=self._since,
            next_try=self._until,
            failures=max(self._failures.values(), default=0),
        )

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*, or raise SourcePaused; see :class:`~.transport.Transport`."""
        is_try = self._until is not None
        if is_try:
            self._begin_try()
        try:
            response = await self._inner.exchange(request, terms)
        except _FAILURES as error:
            if not _needs_a_person(error):
                self._failed(request.step, is_try=is_try)
            raise
        else:
            if response.status == TOO_MANY_REQUESTS or response.status in SERVER_ERRORS:
                self._failed(request.step, is_try=is_try)
            else:
                self._succeeded(request.step, is_try=is_try)
            return response
        finally:
            if is_try:
                self._is_trying = False

    def _begin_try(self) -> None:
        """Let the one request through that is to see how the source is."""
        if self._is_trying or (self._until is not None and self._clock() < self._until):
            raise SourcePaused
        self._is_trying = True

    def _failed(self, step: str, *, is_try: bool) -> None:
        count = self._failures[step] = self._failures.get(step, 0) + 1
        if is_try or (count >= FAILURES and self._until is None):
            self._open(step)

    def _open(self, step: str) -> None:
        now = self._clock()
        if self._until is None:
            self._since = now
        self._culprit = step
        self._until = now + self._pause
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    def _succeeded(self, step: str, *, is_try: bool) -> None:
        """Note a success. Steps that failed before stay suspect: their next failure opens again."""
        self._failures.pop(step, None)
        if is_try:
            self._until = None
            self._since = self._clock()
        if step == self._culprit:
            self._pause = FIRST_PAUSE
            self._culprit = ""


def _needs_a_person(error: SourceError) -> bool:
    """Say whether only a person can help: who reads "paused" would wait for nothing."""
    return isinstance(error, AuthenticationFailed) and error.connect_again
