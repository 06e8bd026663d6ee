"""The processes of a node, which are a session of their own."""

from __future__ import annotations

import signal
from contextlib import suppress
from os import getsid
from os import kill as send_signal
from pathlib import Path

from server.serving_process import Serving

NODES = ("one", "two")
LEASE = 6.0
"""Seconds after which a node goes on with the job of another one that died."""
_PROC = Path("/proc")
_REMOTE, _INODE = 2, 9
"""Columns of the kernel's list of connections."""


def kill(node: Serving) -> None:
    """Kill a node with its job processes, at once."""
    for pid in _processes(node):
        with suppress(ProcessLookupError):
            send_signal(pid, signal.SIGKILL)
    node.stop(signal.SIGKILL)


def is_connected(node: Serving, port: int) -> bool:
    """Return whether a process of *node* has a connection to *port*."""
    lines = (_PROC / "net" / "tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    sockets = {f"socket:[{row[_INODE]}]" for row in rows if row[_REMOTE].endswith(f":{port:04X}")}
    return any(sockets & _files(pid) for pid in _processes(node))


def _processes(node: Serving) -> list[int]:
    """Return the processes of *node*, the first one first: it starts the others again."""
    found = []
    for folder in _PROC.iterdir():
        with suppress(ValueError, ProcessLookupError):
            if getsid(int(folder.name)) == node.process.pid:
                found.append(int(folder.name))
    return sorted(found)


def _files(pid: int) -> set[str]:
    found = set()
    with suppress(FileNotFoundError):
        for file in (_PROC / str(pid) / "fd").iterdir():
            with suppress(FileNotFoundError):
                found.add(str(file.readlink()))
    return found
