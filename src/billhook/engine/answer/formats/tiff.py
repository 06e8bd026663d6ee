"""Checks that a TIFF is whole: having no end mark, its directories are read to the last byte."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_STRIPS: Final = ((273, 279), (324, 325))
"""Tags of offsets and byte counts: of strips, and of tiles (TIFF 6.0, sections 3 and 15)."""
_SIZES: Final = {3: ("H", 2), 4: ("I", 4)}
_WANTED: Final = frozenset(tag for pair in _STRIPS for tag in pair)
_ENTRY_SIZE: Final = 12
_VALUE_SIZE: Final = 4
_MOST_PAGES: Final = 1_000


class _Directory(NamedTuple):
    tags: dict[int, tuple[int, ...]]
    following: int


def is_whole_tiff(data: bytes) -> bool:
    """Say whether every page's directory and pixels lie within *data* (TIFF 6.0, section 2)."""
    try:
        return _Tiff(data).is_whole()
    except struct.error:
        return False


class _Tiff:
    """A file being read. As nothing in a file overlaps, its size bounds what is read of it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self._entries_left = len(data) // _ENTRY_SIZE
        self._numbers_left = len(data) // 2

    def is_whole(self) -> bool:
        (offset,) = self._unpack("I", 4)
        seen: set[int] = set()
        while offset:
            if offset in seen or len(seen) >= _MOST_PAGES:
                return False
            seen.add(offset)
            directory = self._directory(offset)
            if not _pixels_are_there(directory.tags, len(self._data)):
                return False
            offset = directory.following
        return bool(seen)

    def _unpack(self, form: str, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + form, self._data, offset)

    def _directory(self, offset: int) -> _Directory:
        (count,) = self._unpack("H", offset)
        self._entries_left -= count
        if self._entries_left < 0:
            raise struct.error
        tags = {}
        for at in range(offset + 2, offset + 2 + _ENTRY_SIZE * count, _ENTRY_SIZE):
            (tag,) = self._unpack("H", at)
            if tag in _WANTED:
                tags[tag] = self._numbers(at)
        (following,) = self._unpack("I", offset + 2 + _ENTRY_SIZE * count)
        return _Directory(tags, following)

    def _numbers(self, at: int) -> tuple[int, ...]:
        """Return the numbers of the entry *at*, which are in it if they are few, else elsewhere."""
        kind, number = self._unpack("HI", at + 2)
        if kind not in _SIZES:
            return ()
        letter, size = _SIZES[kind]
        self._numbers_left -= number
        if self._numbers_left < 0:
            raise struct.error
        is_here = number * size <= _VALUE_SIZE
        (where,) = (at + 8,) if is_here else self._unpack("I", at + 8)
        return self._unpack(f"{number}{letter}", where)


def _pixels_are_there(tags: dict[int, tuple[int, ...]], size: int) -> bool:
    for offsets_tag, counts_tag in _STRIPS:
        offsets, counts = tags.get(offsets_tag, ()), tags.get(counts_tag, ())
        if offsets and len(offsets) == len(counts):
            return all(at + count <= size for at, count in zip(offsets, counts, strict=True))
    return False
