"""Starts servers on one core, waits until they respond, and measures how much of it they used."""

from __future__ import annotations

import os
import socket  # noqa: TID251 - to find a free port
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from bench.tools import CannotRun, environment, tool

_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A process and its children, pinned to one core if that is given, writing to a log file."""

    def __init__(
        self, name: str, command: Sequence[str], *, core: int | None, log: Path, **settings: str
    ) -> None:
        self.name = name
        self.log = log
        pinned = [] if core is None else [tool("taskset"), "-c", str(core)]
        self._process = subprocess.Popen(
            [*pinned, *command],
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
            env=environment(**settings),
        )

    def wait_until(self, url: str, *, seconds: float = 30) -> None:
        """Return when *url* answers anything at all."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                urllib.request.urlopen(url, timeout=1).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise CannotRun(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def cpu_seconds(self) -> float:
        """Return the processor time that it and its children have used."""
        return cpu_seconds_of(self._process.pid)

    def stop(self, *, seconds: float = 20) -> float:
        """End it, by force after so many seconds; return how long that took."""
        began = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        """End it by force, if it still runs."""
        self._process.kill()
        self._process.wait()

    def family(self) -> list[int]:
        """Return the ids of its processes, its own first."""
        return [self._process.pid, *_children(self._process.pid)]


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time that a process and its children have used."""
    return sum(_cpu_seconds(each) for each in (pid, *_children(pid)))


def _children(pid: int) -> list[int]:
    """Return the ids of the children, and of theirs; each belongs to the thread that started it."""
    found: list[int] = []
    with suppress(OSError):  # it has just ended
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return [*found, *(each for child in found for each in _children(child))]


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
