"""uvicorn's HTTP/1.1, with bounds on the head of a request, which uvicorn itself doesn't set."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD: Final = 64 * 1024
"""Bytes of a head (request line and headers), of trailers, or of what else is no body."""
HEAD_SECONDS: Final = 30.0
"""Seconds in which a head must arrive, from the start of the connection or its own first byte."""
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 46\r\n"
    b"connection: close\r\n"
    b"\r\n"
    b"The headers are longer than 64 KB. Send less.\n"
)


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
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
        self._pending = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that the body goes on."""
        self._pending = 0
        super().on_body(body)

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
