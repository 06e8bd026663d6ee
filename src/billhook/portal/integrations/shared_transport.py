"""The one transport of one integration: created when needed, closed when nobody uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from billhook.engine.http.breaker import BreakerState, State
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.engine.secret import Secret


class ClosableTransport(Transport, Protocol):
    """A transport that holds connections."""

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """Credentials that authentication obtained, in addition to the secrets."""
        ...

    @property
    def line_out(self) -> Transport:
        """The guarded transport without authentication."""
        ...

    @property
    def state(self) -> BreakerState:
        """Whether its source is in use, paused, or about to be tried again."""
        ...

    async def close(self) -> None:
        """Close them."""
        ...


_UNUSED: Final = BreakerState(state=State.CLOSED, since=None, next_try=None, failures=0)


class SharedTransport:
    """Passes exchanges on to the transport that *make* creates, all on one event loop.

    After :meth:`retire`, exchanges in progress finish; then the connections are closed.
    """

    __slots__ = ("_in_flight", "_is_retired", "_make", "_transport")

    def __init__(self, make: Callable[[], ClosableTransport]) -> None:
        self._make = make
        self._transport: ClosableTransport | None = None
        self._in_flight = 0
        self._is_retired = False

    @property
    def state(self) -> BreakerState:
        """Whether the source is in use, paused, or about to be tried again."""
        return self._transport.state if self._transport is not None else _UNUSED

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        if self._transport is None:
            self._transport = self._make()
        self._in_flight += 1
        try:
            return await self._transport.exchange(request, terms)
        finally:
            self._in_flight -= 1
            if self._is_retired:
                await self._close_if_idle()

    async def retire(self) -> None:
        """Close now, or as soon as the last exchange has ended."""
        self._is_retired = True
        await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        if self._in_flight == 0 and self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.close()
