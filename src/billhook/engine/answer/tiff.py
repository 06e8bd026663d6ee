"""Checks that a TIFF is whole: having no end mark, its directories are read to the last byte."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_STRIPS: Final = ((273, 279), (324, 325))
"""Tags of offsets and byte counts: of strips, and of tiles (TIFF 6.0, sections 3 and 15)."""
_SIZES: Final = {3: ("H", 2), 4: ("I", 4)}
_MOST_PAGES: Final = 1_000
_MOST_PIECES: Final = 100_000


class _Directory(NamedTuple):
    tags: dict[int, tuple[int, ...]]
    following: int


def is_whole_tiff(data: bytes) -> bool:
    """Say whether every page's directory and pixels lie within *data* (TIFF 6.0, section 2)."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        (offset,) = struct.unpack_from(f"{order}I", data, 4)
        seen: set[int] = set()
        while offset:
            if offset in seen or len(seen) >= _MOST_PAGES:
                return False
            seen.add(offset)
            directory = _read_directory(data, order, offset)
            if not _pixels_are_there(directory.tags, len(data)):
                return False
            offset = directory.following
    except struct.error:
        return False
    return bool(seen)


def _read_directory(data: bytes, order: str, offset: int) -> _Directory:
    (count,) = struct.unpack_from(f"{order}H", data, offset)
    tags = {}
    wanted = {tag for pair in _STRIPS for tag in pair}
    for index in range(count):
        tag, kind, number, value = struct.unpack_from(
            f"{order}HHI4s", data, offset + 2 + 12 * index
        )
        if tag in wanted:
            tags[tag] = _read_numbers(data, order, kind, number, value)
    (following,) = struct.unpack_from(f"{order}I", data, offset + 2 + 12 * count)
    return _Directory(tags, following)


def _read_numbers(data: bytes, order: str, kind: int, number: int, value: bytes) -> tuple[int, ...]:
    if kind not in _SIZES or number > _MOST_PIECES:
        return ()
    letter, size = _SIZES[kind]
    if number * size <= len(value):
        return struct.unpack_from(f"{order}{number}{letter}", value)
    (where,) = struct.unpack(f"{order}I", value)
    return struct.unpack_from(f"{order}{number}{letter}", data, where)


def _pixels_are_there(tags: dict[int, tuple[int, ...]], size: int) -> bool:
    for offsets_tag, counts_tag in _STRIPS:
        offsets, counts = tags.get(offsets_tag, ()), tags.get(counts_tag, ())
        if offsets and len(offsets) == len(counts):
            return all(at + count <= size for at, count in zip(offsets, counts, strict=True))
    return False
