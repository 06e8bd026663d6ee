"""Token buckets in constant space: one number per key (GCRA, as ATM's traffic contracts had it)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_KEYS: Final = 10_000
_DEBT_SECONDS: Final = 5.0
"""Seconds of uses elsewhere that a key pays back here, beyond its burst, before it may pass."""
_ROUNDING: Final = 1e-9
"""Seconds by which sums may be off; they must not refuse the last use of a burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRoom:
    """The uses of a key that may pass at once, and the seconds until a whole burst may."""

    uses: int
    full_in: float


class RateLimit:
    """Lets *burst* uses of each key pass at once, and *per_second* in the long run.

    For each key it keeps the time at which its bucket will be full again. Keys whose bucket is
    full are forgotten when there are many, so that made-up keys can't fill the memory.

    Several processes can share a limit: each one takes its uses (:meth:`take_uses`) now and then,
    and charges those of the others (:meth:`charge`).
    """

    __slots__ = ("_burst_seconds", "_clock", "_full_at", "_interval", "_max_keys", "_uses")

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
        self._uses: dict[str, int] | None = None

    @property
    def per_second(self) -> float:
        """The uses of a key that may pass in a second, in the long run."""
        return 1 / self._interval

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
        if self._uses is not None:
            self._uses[key] = self._uses.get(key, 0) + 1
        return 0.0

    def room(self, key: str) -> RateRoom:
        """Return how many uses of *key* may pass at once now."""
        full_in = max(self._full_at.get(key, 0.0) - self._clock(), 0.0)
        uses = int((self._burst_seconds - full_in + _ROUNDING) / self._interval)
        return RateRoom(uses=max(uses, 0), full_in=full_in)

    def take_uses(self) -> dict[str, int]:
        """Return the uses that passed since the last call; the first call begins to count them."""
        uses, self._uses = self._uses or {}, {}
        return uses

    def charge(self, key: str, uses: int) -> None:
        """Count *uses* of *key* that have passed elsewhere, also if there were too many."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + uses * self._interval
        if len(self._full_at) >= self._max_keys and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = min(full_at, now + self._burst_seconds + _DEBT_SECONDS)

    def _forget(self, now: float) -> None:
        """Drop the keys whose bucket is full; if none is, the half that was seen first."""
        waiting = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(waiting) >= self._max_keys:
            waiting = dict(list(waiting.items())[self._max_keys // 2 :])
        self._full_at = waiting
        if self._uses is not None and len(self._uses) >= self._max_keys:
            self._uses = {}
