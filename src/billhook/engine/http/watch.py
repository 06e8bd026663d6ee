"""The time limits of one response, kept by one timer that the origin can't reset."""

from __future__ import annotations

import asyncio

from billhook.engine.errors import SourceTimeout, SourceTooSlow
from billhook.engine.http.request import Limits
from billhook.engine.http.wire import Wire


class Watch:
    """Ends an exchange whose origin is silent or drips.

    The head of the response must be whole ``read_timeout`` seconds after the request was sent, no
    matter how its bytes come. In the body, so many seconds without a byte end it, too, and so does
    a full window of ``throughput_window`` seconds with fewer than ``least_throughput`` bytes a
    second. The window opens with the first byte of the body: a source may think before it writes.
    """

    __slots__ = ("_handle", "_in_body", "_limits", "_loop", "_seen", "_window_end", "_wire")

    def __init__(self, wire: Wire, limits: Limits) -> None:
        self._wire = wire
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._in_body = False
        self._seen = 0
        self._window_end: float | None = None
        self._handle = self._loop.call_later(limits.read_timeout, self._check)

    def body_follows(self) -> None:
        """Note that the head is whole, and that more is to come."""
        self._in_body = True

    def body_flows(self) -> None:
        """Note that bytes of the body come: from now on they have to come fast enough."""
        if self._window_end is None:
            self._open_window()
            self._set_timer()

    def stop(self) -> None:
        """Watch no longer."""
        self._handle.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        if not self._in_body:
            self._wire.fail(SourceTimeout("headers"))
        elif now >= self._silent_until:
            self._wire.fail(SourceTimeout("body"))
        elif self._window_end is not None and now >= self._window_end and self._drips:
            self._wire.fail(SourceTooSlow("body"))
        else:
            if self._window_end is not None and now >= self._window_end:
                self._open_window()
            self._set_timer()

    def _open_window(self) -> None:
        self._seen = self._wire.received
        self._window_end = self._loop.time() + self._limits.throughput_window

    def _set_timer(self) -> None:
        self._handle.cancel()
        ends = (self._silent_until, self._window_end or self._silent_until)
        self._handle = self._loop.call_at(min(ends), self._check)

    @property
    def _silent_until(self) -> float:
        return self._wire.last_byte + self._limits.read_timeout

    @property
    def _drips(self) -> bool:
        least = self._limits.least_throughput * self._limits.throughput_window
        return self._wire.received - self._seen < least
