"""A rate limit that all processes share: each one reports its uses, and is charged the others'."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from billhook.engine.isolation.rate_limit import RateLimit

_REPORTED: Final = 15.0
"""Seconds for which the uses of a key stay in the report, so that a slow reader finds them."""
_MOST: Final = 500
"""Keys in a report, those with most uses: it is written every second."""
_SMALL_PART: Final = 20
"""Uses of less than a twentieth of the rate aren't worth a report."""


class SharedRate:
    """A topic of the exchange: the uses of *limit* by key, counted up from a process's start."""

    def __init__(
        self, name: str, limit: RateLimit, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._limit = limit
        self._clock = clock
        self._least = max(1, math.ceil(limit.per_second / _SMALL_PART))
        self._totals: dict[str, int] = {}
        self._used_at: dict[str, float] = {}
        self._seen: dict[str, Mapping[str, int]] = {}
        limit.take_uses()  # counting begins

    def report(self) -> dict[str, int] | None:
        """Return the uses of each key that was used lately."""
        now = self._clock()
        for key, uses in self._limit.take_uses().items():
            if uses >= self._least:
                self._totals[key] = self._totals.get(key, 0) + uses
                self._used_at[key] = now
        for key in [key for key, at in self._used_at.items() if at < now - _REPORTED]:
            del self._totals[key], self._used_at[key]
        most = sorted(self._totals.items(), key=lambda each: -each[1])[:_MOST]
        return dict(most) or None

    def receive(self, process: str, content: Mapping[str, Any]) -> None:
        """Charge the uses that *process* has reported since the last time."""
        before = self._seen.get(process, {})
        for key, total in content.items():
            known = before.get(key, 0)
            uses = total - known if total >= known else total
            if uses > 0:
                self._limit.charge(key, uses)
        self._seen[process] = dict(content)

    def forget(self, process: str) -> None:
        """Forget a process that reports no longer."""
        self._seen.pop(process, None)
