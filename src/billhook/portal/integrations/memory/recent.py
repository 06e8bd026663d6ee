"""A bounded memory of what was used last."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import count
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_KEPT: Final = 15 / 16
"""The part that stays when entries have to go, so that not every new entry makes one go."""


class _RecentEntry(Generic[Value]):
    """A value, its weight, and the moment of its last use."""

    __slots__ = ("used", "value", "weight")

    def __init__(self, value: Value, weight: int, used: int) -> None:
        self.value = value
        self.weight = weight
        self.used = used


class Recent(Generic[Key, Value]):
    """Values by key. Beyond the weight *most*, those that were longest unused go.

    Reading takes no lock, in any thread. Its owner holds a lock while it changes it.
    """

    def __init__(self, most: int, *, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._entries: dict[Key, _RecentEntry[Value]] = {}
        self._clock = count()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._entries.copy()))

    @property
    def has_room(self) -> bool:
        """Whether another entry may come without one that has to go."""
        return self._weight < self._most

    def get(self, key: Key) -> Value | None:
        """Return the value of *key*, which is used by that, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.used = next(self._clock)
        return entry.value

    def peek(self, key: Key) -> Value | None:
        """Return the value of *key*, or None; this is no use of it."""
        entry = self._entries.get(key)
        return entry.value if entry else None

    def values(self) -> list[Value]:
        """Return everything that is kept."""
        return [entry.value for entry in self._entries.copy().values()]

    def items(self) -> list[tuple[Key, Value]]:
        """Return everything that is kept, by its key."""
        return [(key, entry.value) for key, entry in self._entries.copy().items()]

    def put(self, key: Key, value: Value) -> list[Value]:
        """Keep *value*, and return the values that had to go for it, with its predecessor."""
        before = self.drop(key)
        entry = _RecentEntry(value, self._weigh(value), next(self._clock))
        self._entries[key] = entry
        self._weight += entry.weight
        gone = [] if before is None else [before]
        return gone + self._make_room(key) if self._weight > self._most else gone

    def drop(self, key: Key) -> Value | None:
        """Forget *key*, and return its value."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        self._weight -= entry.weight
        return entry.value

    def _make_room(self, newest: Key) -> list[Value]:
        oldest_first = sorted(self._entries.items(), key=lambda item: item[1].used)
        gone: list[Value] = []
        for key, entry in oldest_first:
            if self._weight <= self._most * _KEPT or key == newest:
                break
            self.drop(key)
            gone.append(entry.value)
        return gone
