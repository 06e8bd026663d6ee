"""The request and response of a run without ASGI's messages: most fit into one piece each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_JOINED: Final = 64 * 1024
"""Bytes of a body up to which it is copied behind its head, so that both are one write."""


class DirectExchange:
    """A way around the messages of *cycle*: it does what its ``receive`` and ``send`` would do."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def take_body(self) -> bytes | None:
        """Return the body if all of it has arrived, as one after a short head has; else None."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        cycle.message_event.clear()
        return body

    async def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole response at once, unless the caller has left.

        The body isn't empty, and its length is among the headers. While the caller doesn't read
        earlier responses, this waits.
        """
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        head = _head(status, (*cycle.default_headers, *headers), keep_alive=cycle.keep_alive)
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        # not writelines: up to Python 3.13.1, asyncio's forgets to say that the caller doesn't read
        if len(body) <= _JOINED:
            cycle.transport.write(head + body)
        else:
            cycle.transport.write(head)
            cycle.transport.write(body)
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


def _head(status: int, headers: Sequence[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    """Return the head of a response; a header with a line break in it would split the response."""
    lines = [STATUS_LINE[status], *[b"%b: %b\r\n" % header for header in headers]]
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    head = b"".join(lines)
    if not head.count(b"\r") == head.count(b"\n") == len(lines) or b"\0" in head:
        raise RuntimeError("A header has a control character.")
    return head
