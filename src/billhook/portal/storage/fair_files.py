"""The rule by which files make room for others."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import NamedTuple

from billhook.portal.storage.shelf import MARK_LENGTH


class SizedFile(NamedTuple):
    """A file on a shelf, and the time since which it is there, in seconds since 1970."""

    stored_at: float
    size: int
    name: str


class FairFiles:
    """Files, the oldest first, by the organisation and the person for whom they are held."""

    def __init__(self, files: Iterable[SizedFile]) -> None:
        self._files: dict[str, dict[str, deque[SizedFile]]] = {}
        self._sizes: Counter[str] = Counter()
        for file in files:
            organisation, holder = _marks_of(file)
            people = self._files.setdefault(organisation, {})
            people.setdefault(holder, deque()).append(file)
            self._sizes[organisation] += file.size
            self._sizes[holder] += file.size
            self.size += file.size

    size = 0
    """The bytes of all of them."""

    def take_next(self) -> str:
        """Take out the file that makes room for others, and return its name."""
        organisation = max(self._files, key=lambda mark: self._sizes[mark])
        people = self._files[organisation]
        holder = max(people, key=lambda mark: self._sizes[mark])
        file = people[holder].popleft()
        for mark in (organisation, holder):
            self._sizes[mark] -= file.size
        self.size -= file.size
        if not people[holder]:
            del people[holder]
        if not people:
            del self._files[organisation]
        return file.name


def _marks_of(file: SizedFile) -> tuple[str, str]:
    """Return the marks of the organisation, and of the organisation and the user."""
    return file.name[:MARK_LENGTH], file.name[: 2 * MARK_LENGTH]
