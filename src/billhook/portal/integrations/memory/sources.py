"""The sources of one command in an organisation, one by one, in their order."""

from __future__ import annotations

from collections import deque
from typing import Self

from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.memory.contents import StoreContents
from billhook.portal.integrations.memory.reading_thread import ReadingThread
from billhook.portal.integrations.memory.rows import SourceOrder, read_order


async def first_order(
    contents: StoreContents, thread: ReadingThread, organisation_id: str, command: str
) -> SourceOrder:
    """Return the first sources of *command*, from memory or the database."""
    key = organisation_id, command
    here = contents.orders.get(key)
    if here is not None:
        return here
    return await thread.read(("order", *key), lambda: contents.load_order(*key))


class SourcesInOrder:
    """Iterates over the integrations that have *command*; each is loaded when it is its turn.

    As long as all are in memory, nothing is awaited.
    """

    __slots__ = ("_command", "_contents", "_ids", "_order", "_organisation_id", "_thread")

    def __init__(
        self, contents: StoreContents, thread: ReadingThread, organisation_id: str, command: str
    ) -> None:
        self._contents = contents
        self._thread = thread
        self._organisation_id = organisation_id
        self._command = command
        self._order: SourceOrder | None = None
        self._ids: deque[str] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LiveIntegration:
        while True:
            id_ = self._ids.popleft() if self._ids else await self._next_id()
            live = self._contents.integrations.get(id_)
            if live is None:
                live = await self._thread.read(id_, lambda: self._load(id_))  # noqa: B023 - awaited
            if live is not None and self._command in live.commands:
                return live

    def _load(self, id_: str) -> LiveIntegration | None:
        return self._contents.load_integration(id_)

    async def _next_id(self) -> str:
        if self._order is None:
            self._order = await first_order(
                self._contents, self._thread, self._organisation_id, self._command
            )
        elif self._order.last is not None:
            self._order = await self._read_behind(self._order)
        else:
            raise StopAsyncIteration
        self._ids.extend(self._order.ids)
        if not self._ids:
            raise StopAsyncIteration
        return self._ids.popleft()

    async def _read_behind(self, order: SourceOrder) -> SourceOrder:
        subject = self._organisation_id, self._command
        return await self._thread.read(
            ("order", *subject, order.last), lambda: read_order(*subject, after=order.last)
        )
