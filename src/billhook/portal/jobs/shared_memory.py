"""The memory that the job processes of one node share: whether to stop, and the last turn."""

from __future__ import annotations

import mmap
import struct
import time
from typing import Final

_LAST_TURN: Final = struct.Struct("d")
_OFFSET: Final = 8
_shared = mmap.mmap(-1, _OFFSET + _LAST_TURN.size)
"""No file is behind it: processes that are forked from this one see the same bytes."""


def stop_soon() -> None:
    """Ask for the turns in progress to end soon, in this process and those forked from it."""
    _shared[0] = 1


def is_stopping() -> bool:
    """Return whether turns should end soon."""
    return _shared[0] == 1


def note_turn() -> None:
    """Note that a turn begins, or that there was no reason to."""
    _LAST_TURN.pack_into(_shared, _OFFSET, time.monotonic())


def seconds_since_turn() -> float:
    """Return the seconds since any of the processes began a turn."""
    last: float = _LAST_TURN.unpack_from(_shared, _OFFSET)[0]
    return time.monotonic() - last
