"""Ends forked processes when the one that forked them has died, in whatever way."""

from __future__ import annotations

import os
import signal
import threading


class Lifeline:
    """A pipe whose other end only this process holds; those forked from it wait for its end.

    multiprocessing leaves its children alive when their parent is killed: they would go on to take
    work, next to those of the process that is started instead.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._is_child = False
        _Hook.current = self

    def cut(self) -> None:
        """End all processes that were forked since."""
        os.close(self._write)
        os.close(self._read)
        _Hook.current = None

    def hold(self) -> None:
        """Wait for the end of the parent, in a thread of the child."""
        if not self._is_child:  # a grandchild's copy is closed already
            os.close(self._write)
            self._is_child = True
        threading.Thread(target=self._await_end, name="lifeline", daemon=True).start()

    def _await_end(self) -> None:
        os.read(self._read, 1)  # nobody ever writes
        os.kill(os.getpid(), signal.SIGKILL)


class _Hook:
    """The lifeline of the processes that are forked from now on."""

    current: Lifeline | None = None

    @classmethod
    def after_fork(cls) -> None:
        if cls.current is not None:
            cls.current.hold()


os.register_at_fork(after_in_child=_Hook.after_fork)
