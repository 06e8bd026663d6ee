"""uvicorn's HTTP/1.1, with bounds on the head of a request, which uvicorn itself doesn't set."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from billhook.gateway.body import MAX_BYTES
from billhook.gateway.direct import DIRECT
from billhook.server.connections.caller_limit import BUSY, caller_limit, refuse
from billhook.server.connections.direct import DirectExchange

MAX_HEAD: Final = 64 * 1024
"""Bytes of a head (request line and headers), of trailers, or of what else is no body."""
HEAD_SECONDS: Final = 30.0
"""Seconds in which a head must arrive, from the start of the connection or its own first byte."""
SLOW_BODY_SECONDS: Final = 2.0
"""Seconds after which the caller of a short body that isn't whole makes room for others."""
MOST_PIPELINED: Final = 16
"""Requests that a caller may send ahead of their responses; browsers and proxies send none."""
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 46\r\n"
    b"connection: close\r\n"
    b"\r\n"
    b"The headers are longer than 64 KB. Send less.\n"
)


class TooManyPipelined(Exception):
    """A caller sends request after request without waiting for a response."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose heads never end, or drip.

    The parser keeps a header until it is whole, however long that is. So bytes are counted that
    led to no body and to no whole head. Those of the chunk in which a head begins are free, as the
    chunk may contain the end of a body, too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_is_due = True
        self._pending = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_whole_at = 0.0
        self._limit = caller_limit()
        self._is_served = False
        self._application = self.app

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head, if there is room for one more caller."""
        super().connection_made(transport)
        self._expect_head()
        self._ask_for_place()
        if not self._is_served:
            self._limit.make_room(self.connections, now=self.loop.time())
            if len(self.connections) > self._limit.accepted:
                self._limit.report()
                transport.write(BUSY)
                transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        if self._is_served:
            self._is_served = False
            self._limit.free += 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass *data* on, and check the unfinished rest."""
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MAX_HEAD:
            self._refuse()
        elif not self._head_is_due:
            self._stop_timer()
        elif self._head_timer is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._head_is_due = True
        self._pending = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._head_is_due = False
        self._head_whole_at = self.loop.time()
        self._pending = 0
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TooManyPipelined  # the parser stops, and the connection ends with a 400
        if not self._is_served:
            self._ask_for_place()
        super().on_headers_complete()
        self.cycle.scope["extensions"] = {DIRECT: DirectExchange(self.cycle)}  # type: ignore[dict-item]

    def on_body(self, body: bytes) -> None:
        """Note that the body goes on."""
        self._pending = 0
        super().on_body(body)

    def _ask_for_place(self) -> None:
        """Take a place among the callers that are served, if one is free."""
        self._is_served = self._limit.free > 0
        if self._is_served:
            self._limit.free -= 1
            self.app = self._application
        else:
            self.app = functools.partial(refuse, self._application)

    def idle_since(self) -> float | None:
        """Return the time since which nothing is in progress but what the caller is slow to send.

        Return None if a request is in progress, or a long body, which only members may send.
        """
        if self.timeout_keep_alive_task is not None:
            return self.timeout_keep_alive_task.when() - self.timeout_keep_alive
        if self.cycle is None or self.cycle.response_complete:
            return self._head_timer.when() - HEAD_SECONDS if self._head_timer else None
        if self.cycle.more_body and not self._has_long_body():
            return self._head_whole_at + SLOW_BODY_SECONDS
        return None

    def _has_long_body(self) -> bool:
        length = dict(self.cycle.scope["headers"]).get(b"content-length", b"0")
        return length.isdigit() and int(length) > MAX_BYTES

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        """Close the connection, unless a response to an earlier request is still being sent."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_head()
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
