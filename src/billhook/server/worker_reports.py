"""Receives the reports of worker processes: which are ready, and when each was last alive."""

from __future__ import annotations

import contextlib
import socket  # noqa: TID251 - workers report to a datagram socket of the supervisor
import struct
import time
from collections.abc import Iterable
from typing import Final

_CREDENTIALS: Final = struct.Struct("3i")
"""The kernel's word for who sent a datagram: process, user and group (unix(7))."""


class WorkerReports:
    """Listens as a service manager does, on a socket whose :attr:`address` the workers get."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")  # the kernel chooses a name that belongs to no file (unix(7))
        self._ready: set[int] = set()
        self._heard: dict[int, float] = {}

    @property
    def address(self) -> str:
        """The address, as NOTIFY_SOCKET holds it."""
        name: bytes = self._socket.getsockname()
        return "@" + name[1:].decode("ascii")

    def close(self) -> None:
        """Receive nothing more."""
        self._socket.close()

    def receive(self) -> None:
        """Take in every report that has arrived."""
        size = socket.CMSG_SPACE(_CREDENTIALS.size)
        with contextlib.suppress(BlockingIOError):
            while True:
                report, ancillary, _, _ = self._socket.recvmsg(4096, size)
                for _, kind, content in ancillary:
                    if kind == socket.SCM_CREDENTIALS:
                        self._note(_CREDENTIALS.unpack(content)[0], report)

    def are_ready(self, processes: Iterable[int]) -> bool:
        """Return whether all *processes* have reported that they are ready."""
        return self._ready.issuperset(processes)

    def is_silent(self, process: int, *, limit: float) -> bool:
        """Return whether a process that was ready has reported nothing for *limit* seconds."""
        return process in self._ready and time.monotonic() - self._heard[process] > limit

    def forget(self, process: int) -> None:
        """Drop what is known of a process that has ended: its number may be used again."""
        self._ready.discard(process)
        self._heard.pop(process, None)

    def _note(self, process: int, report: bytes) -> None:
        self._heard[process] = time.monotonic()
        if b"READY=1" in report.split(b"\n"):
            self._ready.add(process)
