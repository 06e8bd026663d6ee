"""Stops work whose caller has closed the connection."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from billhook.gateway.body import Receive
from billhook.gateway.errors import CallerLeft

GRACE: Final = 0.05
"""Seconds before the watch begins: most runs are over by then, and a watch costs a task."""


class CallerWatch:
    """A block that is cancelled when the caller leaves; it then raises :class:`CallerLeft`.

    It works as :func:`asyncio.timeout` does: the cancellation of the block is ours alone, and one
    that comes from elsewhere passes through. The request's body must have been read before.
    """

    __slots__ = ("_cancelling", "_left", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, receive: Receive, *, grace: float = GRACE) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a caller can be watched from within a task only")
        self._receive = receive
        self._task = task
        self._cancelling = task.cancelling()
        self._left = False
        self._watcher: asyncio.Task[None] | None = None
        self._timer = loop.call_later(grace, self._begin)

    def _begin(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        was_ours = self._left and self._task.uncancel() <= self._cancelling
        if was_ours and isinstance(error, asyncio.CancelledError):
            raise CallerLeft from None
