"""The digests of all API keys, in eight bytes each: most wrong keys are refused by them alone."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

_DIGITS: Final = 16
"""The hex digits that are kept of a digest. Another key has the same ones once in 10**19 times."""


class KnownDigests:
    """Says of which digests the database may know the key. It never denies one that is known."""

    def __init__(self, digests: Iterable[str] = ()) -> None:
        self._sorted = array("Q", sorted(map(_head, digests)))
        self._added: set[int] = set()
        self._removed: set[int] = set()

    def __contains__(self, digest: str) -> bool:
        head = _head(digest)
        if head in self._added:
            return True
        at = bisect_left(self._sorted, head)
        is_there = at < len(self._sorted) and self._sorted[at] == head
        return is_there and head not in self._removed

    def add(self, digest: str) -> None:
        """Take in a new key."""
        self._removed.discard(_head(digest))
        self._added.add(_head(digest))

    def remove(self, digest: str) -> None:
        """Leave out a key that was revoked."""
        self._added.discard(_head(digest))
        self._removed.add(_head(digest))


def _head(digest: str) -> int:
    return int(digest[:_DIGITS], 16)
