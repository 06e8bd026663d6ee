"""The key file: on disk before a key of it is used, and changed by one process at a time.

A key that a power cut takes away takes every secret with it that was encrypted with it.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Final

from billhook.portal.installation.data_folder import data_path, read_or_make, replace_file
from billhook.portal.integrations.crypto import (
    KEY_FILE,
    EncryptionKey,
    KeyRing,
    new_key,
    parse_keys,
    write_keys,
)

LOCK_FILE: Final = "rotation.lock"
KEPT_SECONDS: Final = 600
"""Seconds for which a key that nothing stored needs is kept: somebody may be writing with it."""


class RotationRunning(Exception):
    """Another process is rotating the keys."""


def read_keys() -> KeyRing:
    """Return the keys in the file; the first to ask makes one."""
    return parse_keys(read_or_make(KEY_FILE, _first_text))


def is_missing() -> bool:
    """Return whether there is no key file."""
    return not data_path(KEY_FILE).exists()


def add_new_key(*, used: AbstractSet[bytes]) -> KeyRing:
    """Put a new key in front of the others. Those in *used*, by id, stay, and the newest one does.

    For the holder of :func:`only_rotation`.
    """
    ring = read_keys()
    kept = [key for key in ring.keys if key is ring.current or key.id in used or _is_young()]
    return _replace((new_key(), *kept))


@contextmanager
def only_rotation() -> Iterator[None]:
    """Hold the lock of a rotation, which its process loses when it ends in whatever way.

    Raises:
        RotationRunning: if another process holds it.
    """
    with data_path(LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RotationRunning from None
        yield


def _first_text() -> str:
    return write_keys([new_key()])


def _is_young() -> bool:
    return time.time() - data_path(KEY_FILE).stat().st_mtime < KEPT_SECONDS


def _replace(keys: Iterable[EncryptionKey]) -> KeyRing:
    replace_file(KEY_FILE, write_keys(keys))
    return read_keys()
