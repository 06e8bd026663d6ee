"""The pace of requests to one source: its rate, its pause and its daily quota."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from billhook.engine.errors import ListParked
from billhook.engine.listing.listing import ListLimits

_HOUR: Final = 3600.0


class ListPace:
    """Lets one request after another go, within *limits*: give the same one to all lists.

    *used_today* are the requests of this day (UTC) that another process has sent, and *sent_ago*
    the seconds since each of its last ones.
    """

    def __init__(
        self,
        limits: ListLimits,
        *,
        used_today: int = 0,
        sent_ago: Iterable[float] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits = limits
        self.used_today = used_today
        self.sleep = sleep
        self.now = now
        self._clock = clock
        self._day = now().date()
        began = clock()
        before = sorted(began - ago for ago in sent_ago if ago >= 0)
        self._sent: deque[float] = deque(before, maxlen=limits.count)

    def sent_ago(self) -> list[float]:
        """Return the seconds since each of the last requests, for the process that goes on."""
        now = self._clock()
        return [now - at for at in self._sent]

    async def take_turn(self) -> None:
        """Wait until the next request may go; raise ListParked if the day's quota is used up."""
        now = self.now()
        if now.date() != self._day:
            self._day, self.used_today = now.date(), 0
        if self.limits.per_day is not None and self.used_today >= self.limits.per_day:
            midnight = datetime.combine(self._day + timedelta(days=1), datetime.min.time(), UTC)
            raise ListParked((midnight - now).total_seconds())
        wait = self._wait()
        if wait > 0:
            await self.sleep(wait)
        self._sent.append(self._clock())
        self.used_today += 1

    def _wait(self) -> float:
        if not self._sent:
            return 0.0
        now = self._clock()
        wait = self._sent[-1] + self.limits.pause.total_seconds() - now
        if len(self._sent) == self.limits.count:
            wait = max(wait, self._sent[0] + self.limits.period.total_seconds() - now)
        return wait

    def check_remaining(self, headers: tuple[tuple[str, str], ...]) -> int | None:
        """Return the requests that are left, as a response says; None if it doesn't."""
        wanted = self.limits.remaining_header.lower()
        texts = [value for name, value in headers if wanted and name.lower() == wanted]
        return int(texts[0]) if texts and texts[0].strip().isdecimal() else None

    def park_if_low(self, remaining: int | None) -> None:
        """Raise ListParked where only the reserve for documents is left."""
        if remaining is not None and remaining <= self.limits.reserve:
            raise ListParked(_HOUR)
