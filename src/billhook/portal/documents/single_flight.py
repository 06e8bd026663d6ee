"""One fetch for many clicks: a click on a document that is being fetched waits for that fetch.

The fetch runs in its own task. It is cancelled when everybody who waited for it has left; each who
stayed gets a separate copy of the document with the same bytes.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, cast

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.portal.runs.outcomes import SHARED
from billhook.portal.runs.recorder import FoundDocument

_LINK: Final = "text/uri-list"


@dataclass(slots=True, kw_only=True)
class _Flight:
    """A fetch in progress, and how many clicks wait for it. Nobody joins a cancelled one."""

    task: asyncio.Task[FoundDocument]
    waiting: int = 0
    is_taken: bool = False
    is_given_up: bool = False


class Flights:
    """The fetches in progress in this process, by key."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    async def join(
        self, key: Hashable, fetch: Callable[[], Awaitable[FoundDocument]]
    ) -> FoundDocument:
        """Return the result of *fetch*, or of another call for the same *key* in progress.

        A link may work only once and for one person, so it isn't shared.
        """
        here = (asyncio.get_running_loop(), key)
        flight = self._flights.get(here)
        is_first = flight is None or flight.is_given_up
        if flight is None or flight.is_given_up:
            flight = self._begin(here, fetch)
        found = await _wait_for(flight, is_first=is_first)
        return await fetch() if found is None else found

    def _begin(self, here: Hashable, fetch: Callable[[], Awaitable[FoundDocument]]) -> _Flight:
        async def fly() -> FoundDocument:
            try:
                return await fetch()
            finally:
                if self._flights.get(here) is flight:
                    del self._flights[here]  # who comes now wants a new one

        flight = _Flight(task=asyncio.create_task(fly()))
        flight.task.add_done_callback(_look_at_error)
        self._flights[here] = flight
        return flight


async def _wait_for(flight: _Flight, *, is_first: bool) -> FoundDocument | None:
    flight.waiting += 1
    try:
        found = await asyncio.shield(flight.task)
        if not is_first and found.document.media_type == _LINK:
            return None
        mine = await _part_of(flight, found)
        return mine if is_first else replace(mine, reason=SHARED)
    finally:
        flight.waiting -= 1
        if flight.waiting == 0:
            _leave(flight)


async def _part_of(flight: _Flight, found: FoundDocument) -> FoundDocument:
    """Return the document itself to who is alone with it, and a copy to everybody else."""
    if flight.waiting == 1 and not flight.is_taken:
        flight.is_taken = True
        return found
    document = found.document
    copy = await _copy(document)
    return replace(found, document=copy)


async def _copy(document: Document) -> Document:
    body = document.body
    attachments = tuple([await _copy(each) for each in document.attachments])
    if body.in_memory:
        return replace(document, body=Body(body.read()), attachments=attachments)
    copied = await asyncio.to_thread(_copy_file, body)
    return replace(document, body=copied, attachments=attachments)


def _copy_file(body: Body) -> Body:
    file = cast("BinaryIO", tempfile.TemporaryFile(buffering=0))  # noqa: SIM115 - the body closes it
    for piece in body.blocking_chunks():
        file.write(piece)
    return Body(file=file)


def _leave(flight: _Flight) -> None:
    """Cancel the fetch when nobody waits any more, or close the document that nobody took."""
    if not flight.task.done():
        flight.is_given_up = True
        flight.task.cancel()
    elif not flight.is_taken and not flight.task.cancelled() and not flight.task.exception():
        flight.task.result().document.close()


def _look_at_error(task: asyncio.Task[FoundDocument]) -> None:
    """Take note of the error: everybody who waited for it may have left already."""
    if not task.cancelled():
        task.exception()
