"""Ends the connections of callers that don't read their response, or read it in drips.

A response that isn't read stays in this process's memory, and its connection stays open. So every
few seconds each connection with bytes to send is looked at: what the caller hasn't received yet
must become less. This costs nothing for connections that have nothing to send, and nothing for each
request.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sys
import termios
from collections.abc import Collection
from typing import Any, Final, NamedTuple, Protocol

LOOK_EVERY: Final = 5.0
"""Seconds between two looks."""
SECONDS: Final = 60.0
"""Seconds in which a caller must read..."""
LEAST: Final = 64_000
"""...so many bytes, or all there are: 1 KB a second."""


class Connection(Protocol):
    """One connection of a caller, as uvicorn keeps it."""

    transport: asyncio.Transport


class _Mark(NamedTuple):
    """Bytes that a caller hadn't received, and since when it hasn't received enough of them."""

    waiting: int
    since: float


class SlowReaders:
    """Looks at *connections*, and ends those whose caller has read too little."""

    def __init__(
        self,
        connections: Collection[Any],
        *,
        seconds: float = SECONDS,
        least: int = LEAST,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._connections = connections
        self._seconds = seconds
        self._least = least
        self._look_every = look_every
        self._marks: dict[Connection, _Mark] = {}

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look now, and again and again for as long as *loop* runs."""
        loop.call_later(self._look_every, self.watch, loop)
        self.look(loop.time())

    def look(self, now: float) -> None:
        """End each connection that has made too little progress by *now*."""
        before, self._marks = self._marks, {}
        for connection in tuple(self._connections):
            if not connection.transport.get_write_buffer_size():
                continue
            waiting = _waiting(connection.transport)
            mark = before.get(connection)
            if mark is None or not mark.waiting - self._least < waiting <= mark.waiting:
                mark = _Mark(waiting=waiting, since=now)
            if now - mark.since >= self._seconds:
                connection.transport.abort()
            else:
                self._marks[connection] = mark


def _waiting(transport: asyncio.Transport) -> int:
    """Return the bytes that the other side hasn't acknowledged: ours and the kernel's (tcp(7))."""
    descriptor = transport.get_extra_info("socket").fileno()
    in_kernel = bytes(4)
    with contextlib.suppress(OSError, ValueError):  # it has just been closed
        in_kernel = fcntl.ioctl(descriptor, termios.TIOCOUTQ, in_kernel)
    return transport.get_write_buffer_size() + int.from_bytes(in_kernel, sys.byteorder)
