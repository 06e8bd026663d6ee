"""Documents that took too long to draw: for an hour, the next attempt fails at once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from billhook.portal.documents.limits import Reason
from billhook.portal.documents.renderer import CannotShow

KEPT_SECONDS: Final = 3600.0
MOST: Final = 1_000
"""So many documents are remembered; the oldest is forgotten first."""

_CHUNK: Final = 1024 * 1024
_Key = tuple[int, bytes]


class SlowDocuments:
    """The documents of this process that were too slow, by size and digest. For many threads.

    A digest is computed only of a document that has the size of a slow one.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: OrderedDict[_Key, float] = OrderedDict()

    def may_know(self, size: int) -> bool:
        """Say whether a document of *size* bytes may be one of them."""
        with self._lock:
            return any(known == size for known, _ in self._until)

    def check(self, file: BinaryIO, size: int) -> None:
        """Raise CannotShow if *file*, which has *size* bytes, is one of them."""
        if not self.may_know(size):
            return
        with self._lock:
            until = self._until.get(_key_of(file, size), 0.0)
        if self._clock() < until:
            raise CannotShow(Reason.TOO_SLOW)

    @contextmanager
    def noting(self, file: BinaryIO, size: int) -> Iterator[None]:
        """Remember *file* if drawing it turns out to take too long."""
        try:
            yield
        except CannotShow as error:
            if error.reason is Reason.TOO_SLOW:
                self._remember(_key_of(file, size))
            raise

    def _remember(self, key: _Key) -> None:
        with self._lock:
            self._until[key] = self._clock() + KEPT_SECONDS
            self._until.move_to_end(key)
            while len(self._until) > MOST:
                self._until.popitem(last=False)


def _key_of(file: BinaryIO, size: int) -> _Key:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return size, digest.digest()
