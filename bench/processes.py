"""Starts servers on one core, waits until they respond, and measures how much of it they used."""

from __future__ import annotations

import os
import socket  # noqa: TID251 - to find a free port
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing
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
    """A process and its children, pinned to one core, writing to a log file."""

    def __init__(
        self, name: str, command: Sequence[str], *, core: int, log: Path, **settings: str
    ) -> None:
        self.name = name
        self.log = log
        self._process = subprocess.Popen(
            [tool("taskset"), "-c", str(core), *command],
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
        return sum(_cpu_seconds(pid) for pid in self._family())

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _family(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [self._process.pid, *map(int, children.read_text().split())]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
