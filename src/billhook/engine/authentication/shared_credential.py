"""A credential shared by all runs: obtained once, however many ask for it concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from billhook.engine.authentication.authenticator import Channel
from billhook.engine.errors import SourceTimeout

_Credential = TypeVar("_Credential")


class SharedCredential(Generic[_Credential]):
    """Holds a credential, and calls *renew* when it is missing, old or refused.

    *renew* runs in a task of its own. A run that waits for it gives up at its own deadline or when
    it is cancelled, but the task continues: the source may have used up a refresh token already,
    and its response must not get lost.
    """

    def __init__(
        self,
        *,
        renew: Callable[[Channel, _Credential | None], Awaitable[_Credential]],
        is_usable: Callable[[_Credential], bool],
    ) -> None:
        self._renew = renew
        self._is_usable = is_usable
        self._current: _Credential | None = None
        self._renewing: asyncio.Task[_Credential] | None = None

    @property
    def current(self) -> _Credential | None:
        """The latest credential, if there is one."""
        return self._current

    async def get(self, channel: Channel, *, refused: object | None = None) -> _Credential:
        """Return a credential that isn't *refused*, within the deadline of *channel*."""
        current = self._current
        if current is not None and current is not refused and self._is_usable(current):
            return current
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._run(channel, current))
        try:
            async with asyncio.timeout_at(channel.deadline):
                return await asyncio.shield(self._renewing)
        except TimeoutError:
            channel.trace.conclude(SourceTimeout.code)
            raise SourceTimeout("whole") from None

    async def _run(self, channel: Channel, old: _Credential | None) -> _Credential:
        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(_look_at_error)
        try:
            self._current = await self._renew(channel, old)
            return self._current
        finally:
            self._renewing = None

    async def close(self) -> None:
        """Wait until a renewal in progress has ended, successfully or not."""
        if self._renewing is not None:
            await asyncio.wait([self._renewing])


def _look_at_error(task: asyncio.Task[_Credential]) -> None:
    """Retrieve the error, since every run that waited for it may have given up already."""
    if not task.cancelled():
        task.exception()
