"""Reports to the service manager that started this process: ready, alive, stopping (sd_notify).

The protocol is that of systemd's sd_notify(3) and sd_watchdog_enabled(3). Without a service manager
nothing is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket  # noqa: TID251 - reports go to the manager's own datagram socket on this machine
import time
from dataclasses import dataclass, field
from typing import Final

from billhook.portal.installation import environment

_REPORTS_PER_LIMIT: Final = 3
"""The number of times that a process reports itself alive before it would count as hung."""


@dataclass(slots=True, kw_only=True)
class ServiceManager:
    """The manager at the datagram socket *address*.

    It takes this process for hung after *limit* seconds without a report; 0 means never.
    """

    address: str = ""
    limit: float = 0.0
    _next_report: float = field(default=0.0, init=False)

    @classmethod
    def of_this_process(cls) -> ServiceManager:
        """Return the manager that the environment names, or one to which nothing is sent."""
        return cls(address=environment.notify_socket(), limit=environment.watchdog_seconds())

    def status(self, text: str) -> None:
        """Report what this process does at present, for people who ask."""
        self._send(f"STATUS={text}")

    def ready(self, text: str) -> None:
        """Report that the start is complete; *text* is the status from now on."""
        self._send(f"READY=1\nSTATUS={text}")

    def stopping(self) -> None:
        """Report that the stop begins."""
        self._send("STOPPING=1\nSTATUS=Finishing what goes on")

    def alive(self) -> None:
        """Report that this process isn't hung, where the manager watches and a report is due."""
        now = time.monotonic()
        if self.limit and now >= self._next_report:
            self._next_report = now + self.limit / _REPORTS_PER_LIMIT
            self._send("WATCHDOG=1")

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call :meth:`alive` from *loop* for as long as it runs: a blocked loop falls silent."""
        if self.limit:
            self.alive()
            loop.call_later(self.limit / _REPORTS_PER_LIMIT, self.watch, loop)

    def _send(self, report: str) -> None:
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with (
            contextlib.suppress(OSError),  # a report that can't be sent must not end the service
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender,
        ):
            sender.connect(name)
            sender.send(report.encode())
