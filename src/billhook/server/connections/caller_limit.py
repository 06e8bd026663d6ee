"""Keeps the number of callers below the limit of open files, so that runs never meet it.

Each run in progress takes two connections, one from the caller and one to the source, and the
process needs files of its own. So callers beyond about half of the limit get a 503, and the
connections of those who have nothing in progress, or are slow to send it, are closed to make room.
"""

from __future__ import annotations

import functools
import resource
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final

import structlog

from billhook.gateway.errors import TooManyCallers
from billhook.gateway.response import Send, plain_reply, problem_reply
from billhook.gateway.route import is_api_path
from billhook.portal.installation.logs import Seldom
from billhook.server.health import Health

Application = Callable[[Any, Any, Any], Awaitable[None]]

log = structlog.get_logger("billhook.server")

OWN_FILES: Final = 80
"""Files for the database, the log, documents in hand and page rendering."""
MOST: Final = 20_000
"""The most callers of one process, however many files it may open: each takes memory, too."""
ROOM_EVERY: Final = 1.0
"""Seconds between two searches for idle connections; younger ones aren't idle yet."""
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
_REFUSED_ONLY: Final = 0.25
_LEAST: Final = 4
_say = Seldom(30.0)


class CallerLimit:
    """The callers that may be served at a time, and the few more that are only refused.

    ``free`` is the number of callers that may still come; each connection takes one, and gives it
    back at its end.
    """

    def __init__(self, served: int) -> None:
        self.served = self.free = served
        self.accepted = served + max(_LEAST, int(_REFUSED_ONLY * served))
        self._searched_at = float("-inf")

    def make_room(self, connections: Collection[Any], *, now: float) -> None:
        """Close the connections that have been idle for a while; at most once a second."""
        if now - self._searched_at < ROOM_EVERY:
            return
        self._searched_at = now
        for connection in tuple(connections):
            since = connection.idle_since()
            if since is not None and now - since >= ROOM_EVERY:
                connection.transport.close()

    def report(self) -> None:
        """Log that callers are refused; seldom, as they may be many."""
        if _say.now():
            log.warning("too-many-callers", served=self.served, files=_file_limit())


@functools.cache
def caller_limit() -> CallerLimit:
    """Return the limit of this process, which fits the number of files that it may open."""
    served = int((_file_limit() - OWN_FILES) / (2 + _REFUSED_ONLY))
    return CallerLimit(max(_LEAST, min(MOST, served)))


def _file_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST * 4 if soft == resource.RLIM_INFINITY else soft


async def refuse(
    application: Application,
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Send,
) -> None:
    """Respond with 503 instead of *application*, except where the server's health is asked for."""
    if Health.owns(scope):
        await application(scope, receive, send)
        return
    caller_limit().report()
    reply = problem_reply if is_api_path(scope["path"]) else plain_reply
    await reply(TooManyCallers()).send(send)
