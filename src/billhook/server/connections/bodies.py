"""Takes in the body of a request for Django, in memory or, when it is long, in an unlinked file."""

from __future__ import annotations

import asyncio
import io
import tempfile
from typing import IO, Final, NoReturn

from billhook.gateway.body import Receive
from billhook.gateway.errors import BodyTooLarge, BodyTooSlow, CallerLeft

IN_MEMORY: Final = 64_000


async def take_body(receive: Receive, *, limit: int, seconds: float) -> IO[bytes]:
    """Return the whole body as an open file at its start.

    Raises:
        BodyTooLarge: after *limit* bytes.
        BodyTooSlow: after *seconds*.
        CallerLeft: when the connection was closed before the body's end.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _take(receive, limit)
    except TimeoutError:
        raise BodyTooSlow from None


async def _take(receive: Receive, limit: int) -> IO[bytes]:
    piece, more = await _next(receive)
    if not more and len(piece) <= min(limit, IN_MEMORY):
        return io.BytesIO(piece)
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the request closes it
    try:
        while more and len(piece) + file.tell() <= limit:
            file.write(piece)
            piece, more = await _next(receive)
        if len(piece) + file.tell() > limit:
            _refuse(limit)
        file.write(piece)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _refuse(limit: int) -> NoReturn:
    raise BodyTooLarge(limit)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    """Return the next chunk of the body, and whether there are more."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerLeft
    return message.get("body", b""), message.get("more_body", False)
