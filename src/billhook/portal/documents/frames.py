"""The messages between the server and its renderer processes: length, facts in JSON, bytes.

Only the standard library is imported here: the renderer process starts fast and knows no Django.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import BinaryIO, Final

_LENGTHS: Final = struct.Struct("!IQ")
MAX_FACTS: Final = 64 * 1024
"""Bytes of the JSON part: the sizes of 500 pages take about 15 KB."""


class BrokenFrame(Exception):
    """The other side ended, or said something that isn't a frame."""


def write_head(stream: BinaryIO, facts: Mapping[str, object], body_size: int) -> None:
    """Write the lengths and *facts*; the caller writes *body_size* bytes after it."""
    encoded = json.dumps(facts).encode()
    stream.write(_LENGTHS.pack(len(encoded), body_size) + encoded)


def read_head(stream: BinaryIO, *, max_body: int) -> tuple[dict[str, object], int]:
    """Return the facts and the size of the body that follows.

    Raises:
        BrokenFrame: the stream ended, the facts aren't an object, or the sizes are beyond limits.
    """
    facts_size, body_size = _LENGTHS.unpack(read_exactly(stream, _LENGTHS.size))
    if facts_size > MAX_FACTS or body_size > max_body:
        raise BrokenFrame
    try:
        facts = json.loads(read_exactly(stream, facts_size))
    except (ValueError, RecursionError) as error:
        raise BrokenFrame from error
    if not isinstance(facts, dict):
        raise BrokenFrame
    return facts, body_size


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Return *size* bytes, or raise :class:`BrokenFrame` when the stream ends before."""
    read = stream.read(size)
    if len(read) != size:
        raise BrokenFrame
    return read
