"""A transport that leaves a source alone for a while after a command failed several times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
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
"""So many failures in a row, of one step, pause its command."""
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
    let through; None while they all are. ``commands`` are those that it doesn't let through.
    """

    state: State
    since: float | None
    next_try: float | None
    failures: int
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePause:
    """A pause of a command, for other processes that run it. Times are in seconds since 1970."""

    since: float
    until: float
    next_pause: float
    """The seconds of the pause that follows if the next try fails."""


OnPause = Callable[[str, SourcePause | None], None]
"""Gets a command, with its pause when that begins, and with None when it is in use again."""
_FROM_BEST: Final = (State.CLOSED, State.HALF_OPEN, State.OPEN)


class BreakerTransport:
    """Passes requests on to *inner*, unless their command failed so often that it is paused.

    Each command counts for itself: it may ask another host, or be the one thing that a source can't
    do, such as statements that always end in a 500. Then documents are still there. A source that
    is down is soon left alone by each command in use. ``on_pause`` may be set, to pass pauses on to
    other processes; :meth:`adopt` takes over those that they found.
    """

    def __init__(self, inner: Transport, *, clock: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._clock = clock
        self.on_pause: OnPause | None = None
        self._commands: dict[str, _CommandBreaker] = {}

    @property
    def state(self) -> BreakerState:
        """The present state: that of the command that gets on worst."""
        states = {name: each.state for name, each in sorted(self._commands.items())}
        if not states:
            return BreakerState(state=State.CLOSED, since=None, next_try=None, failures=0)
        worst = max(states.values(), key=_badness)
        paused = (name for name, each in states.items() if each.state is not State.CLOSED)
        return replace(worst, commands=tuple(paused))

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*, or raise SourcePaused; see :class:`~.transport.Transport`."""
        breaker = self._breaker_of(terms.command)
        is_try = breaker.begin()
        try:
            response = await self._inner.exchange(request, terms)
        except _FAILURES as error:
            if not _needs_a_person(error):
                breaker.failed(request.step, is_try=is_try)
            raise
        else:
            if response.status == TOO_MANY_REQUESTS or response.status in SERVER_ERRORS:
                breaker.failed(request.step, is_try=is_try)
            else:
                breaker.succeeded(request.step, is_try=is_try)
            return response
        finally:
            if is_try:
                breaker.end_try()

    def adopt(self, command: str, pause: SourcePause | None) -> None:
        """Take over a pause of *command* that another process found, or its end."""
        self._breaker_of(command).adopt(pause)

    def _breaker_of(self, command: str) -> _CommandBreaker:
        if command not in self._commands:
            report = partial(self._report, command)
            self._commands[command] = _CommandBreaker(self._clock, report)
        return self._commands[command]

    def _report(self, command: str, pause: SourcePause | None) -> None:
        if self.on_pause is not None:
            self.on_pause(command, pause)


class _CommandBreaker:
    """Counts the failures of one command, and decides what is let through.

    They are counted by step, so that a search that works doesn't hide that getting the document
    never does. After :data:`FAILURES` in a row every request fails at once with SourcePaused. When
    the pause is over, one request is let through: if it succeeds, all are again, and if it fails,
    the next pause is twice as long.
    """

    def __init__(
        self, clock: Callable[[], float], report: Callable[[SourcePause | None], None]
    ) -> None:
        self._clock = clock
        self._report = report
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

    def begin(self) -> bool:
        """Return whether the request is the one that is to see how the source is.

        Raises:
            SourcePaused: if it must not be sent.
        """
        if self._until is None:
            return False
        if self._is_trying or self._clock() < self._until:
            raise SourcePaused
        self._is_trying = True
        return True

    def end_try(self) -> None:
        """Let another request try, unless this one has decided."""
        self._is_trying = False

    def adopt(self, pause: SourcePause | None) -> None:
        """Take over a pause that another process found, or its end."""
        if pause is None:
            self._close()
        elif self._until is None or self._until < pause.until:
            self._since, self._until, self._pause = pause.since, pause.until, pause.next_pause

    def failed(self, step: str, *, is_try: bool) -> None:
        """Note a failure."""
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
        since = self._since or now
        self._report(SourcePause(since=since, until=self._until, next_pause=self._pause))

    def succeeded(self, step: str, *, is_try: bool) -> None:
        """Note a success. Steps that failed before stay suspect: their next failure opens again."""
        self._failures.pop(step, None)
        if is_try:
            self._close()
            self._report(None)
        if step == self._culprit:
            self._pause = FIRST_PAUSE
            self._culprit = ""

    def _close(self) -> None:
        if self._until is not None:
            self._until = None
            self._since = self._clock()


def _badness(state: BreakerState) -> tuple[int, float, int]:
    return _FROM_BEST.index(state.state), state.next_try or 0.0, state.failures


def _needs_a_person(error: SourceError) -> bool:
    """Say whether only a person can help: who reads "paused" would wait for nothing."""
    return isinstance(error, AuthenticationFailed) and error.connect_again
