"""One connection: aiohttp's protocol, which counts bytes and lets in only what was asked for."""

from __future__ import annotations

import asyncio
import select
from time import perf_counter
from typing import Final

from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from billhook.engine.errors import SourceBroken
from billhook.engine.http.trace import Progress

READ_BUFFER: Final = 64 * 1024
"""Bytes of one response that wait in memory before the origin is made to wait."""
MAX_INTERIM_ANSWERS: Final = 8
"""Responses with a status from 100 to 199 that one request may get before the real one."""
FIRST_FINAL_STATUS: Final = 200
"""Statuses below it are interim responses (RFC 9110, 15.2)."""
MAX_HEADERS: Final = 256
MAX_HEADER_BYTES: Final = 32 * 1024
"""Of one header, name and value; also of the status line."""


class Wire(ResponseHandler):
    """One connection: counts what comes, and lets nothing in that nobody asked for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.fresh = True
        self.certificate_ends = ""
        self.beginning = b""
        self.idle = False
        self.received = 0
        self.last_byte = 0.0
        self._arrivals: select.poll | None = None
        self._interim = 0
        self._most = 0
        self._progress = Progress("", "")

    def begin(self, progress: Progress, *, most: int) -> None:
        """Make ready for one request and a response of *most* bytes, its framing included."""
        self._progress = progress
        self._most = most
        self._interim = 0
        self.received = 0
        self.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes from the origin. On an idle connection nobody waits for any: hang up.

        Else a response pushed now would be read as the response to the next run's request.
        """
        if self.idle:
            self.force_close()
            self.abort()
            return
        if data:
            if self.received == 0:
                self.beginning = data[:2]
            self._count(len(data))
        super().data_received(data)
        if self._exception is not None:
            self.fail(self._exception)  # aiohttp gives it only to readers of a head

    def _count(self, size: int) -> None:
        """Count what comes: endless trailers or chunk extensions never reach a reader."""
        if self.received == 0:
            self._progress.first_byte = perf_counter()
        self._progress.received = self.received = self.received + size
        self.last_byte = self._loop.time()
        if self.received > self._most:
            self.fail(SourceBroken("The source sent far more around its response than in it."))

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Queue a head. More interim responses than anybody needs are a flood."""
        if data[0].code < FIRST_FINAL_STATUS:
            self._interim += 1
            if self._interim > MAX_INTERIM_ANSWERS:
                self.fail(SourceBroken("The source sent one interim response after another."))
                return
        super().feed_data(data, size)

    def fail(self, error: BaseException) -> None:
        """End the exchange with *error*, wherever it waits."""
        payload = self._payload
        self.set_exception(error)
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(error)

    def is_clean(self) -> bool:
        """Return whether this connection, if it is idle, is fit for the next request.

        Nothing may have come on it since: neither bytes that we have read, nor any that wait in the
        kernel, be it a pushed response or the origin's close.
        """
        if self.should_close or self.transport is None:
            return False
        if self._arrivals is None:
            self._arrivals = select.poll()
            descriptor = self.transport.get_extra_info("socket").fileno()
            self._arrivals.register(descriptor, select.POLLIN)
        return not self._arrivals.poll(0)

    @property
    def has_more(self) -> bool:
        """Whether more came than the one response that was asked for."""
        return len(self) > 0 or isinstance(self.exception(), HttpProcessingError)

    @property
    def has_unsent(self) -> bool:
        """Whether a part of the request still waits for the origin to take it."""
        return self.transport is None or self.transport.get_write_buffer_size() > 0
