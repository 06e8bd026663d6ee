"""A bounded number of places for work, shared so that nobody can take all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


class FairShares:
    """Places for *most* pieces of work of one share at a time, and one more for the others.

    A share is the work of one organisation. Who waits gets a place in the order of arrival, except
    that the share with the least work in progress comes first. Each event loop has its own places.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, _Places] = WeakKeyDictionary()

    @property
    def places(self) -> int:
        """The number of all places."""
        return self._most + 1

    async def enter(self, share: str) -> None:
        """Wait for a place of *share*; :meth:`leave` must follow."""
        await self._here().enter(share)

    def leave(self, share: str) -> None:
        """Give back a place of *share*, in the same event loop."""
        self._here().leave(share)

    @asynccontextmanager
    async def place(self, share: str) -> AsyncIterator[None]:
        """Wait for a place of *share*, and have it until the block ends."""
        await self.enter(share)
        try:
            yield
        finally:
            self.leave(share)

    def _here(self) -> _Places:
        loop = asyncio.get_running_loop()
        if loop not in self._places:
            self._places[loop] = _Places(self._most)
        return self._places[loop]


class _Places:
    """The places of one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._working: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    async def enter(self, share: str) -> None:
        if self._has_place(share):
            self._working[share] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(share)
            else:
                self._waiting.remove((share, turn))
            raise

    def _has_place(self, share: str) -> bool:
        return self._working.total() <= self._most and self._working[share] < self._most

    def leave(self, share: str) -> None:
        self._working[share] -= 1
        if not self._working[share]:
            del self._working[share]
        for entry in sorted(self._waiting, key=lambda entry: self._working[entry[0]]):
            waiting, turn = entry
            if self._has_place(waiting) and not turn.done():  # who gives up is about to leave
                self._waiting.remove(entry)
                self._working[waiting] += 1
                turn.set_result(None)
                return
