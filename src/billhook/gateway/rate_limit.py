"""Token buckets in constant space: one number per key (GCRA, as ATM's traffic contracts had it)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

MAX_KEYS: Final = 10_000
_ROUNDING: Final = 1e-9
"""Seconds by which sums may be off; they must not refuse the last use of a burst."""


class RateLimit:
    """Lets *burst* uses of each key pass at once, and *per_second* in the long run.

    For each key it keeps the time at which its bucket will be full again. Keys whose bucket is
    full are forgotten when there are many, so that made-up keys can't fill the memory.
    """

    __slots__ = ("_burst_seconds", "_clock", "_full_at", "_interval", "_max_keys")

    def __init__(
        self,
        *,
        per_second: float,
        burst: int,
        max_keys: int = MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a rate limit needs a rate above 0 and a burst of 1 at least")
        self._interval = 1 / per_second
        self._burst_seconds = self._interval * burst
        self._max_keys = max_keys
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def use(self, key: str) -> float:
        """Count one use of *key*; return 0.0 if it may pass, else the seconds to wait.

        A use that may not pass isn't counted.
        """
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + self._interval
        wait = full_at - now - self._burst_seconds
        if wait > _ROUNDING:
            return wait
        if len(self._full_at) >= self._max_keys and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = full_at
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop the keys whose bucket is full; if none is, the half that was seen first."""
        waiting = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(waiting) >= self._max_keys:
            waiting = dict(list(waiting.items())[self._max_keys // 2 :])
        self._full_at = waiting
