"""The exchange between processes: once a second, each one reports, and reads the others' reports.

It goes through the database, in a thread: no request waits for it. Who is alone writes nothing
but that the node is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog
from django.db import Error, close_old_connections, connections

from billhook.portal.fields.ids import new_id
from billhook.portal.installation.logs import Seldom, name_of
from billhook.portal.nodes.access import contents_of, nodes_alive, reports_of_others
from billhook.portal.nodes.node import this_node
from billhook.portal.nodes.services import (
    forget_report,
    leave_installation,
    report_node,
    write_report,
)

log = structlog.get_logger("billhook.nodes")

EVERY: Final = 1.0
ALIVE_EVERY: Final = 5.0
"""Seconds between two reports that the node is alive."""
_say = Seldom(60.0)


class Topic(Protocol):
    """Something that processes report to each other."""

    @property
    def name(self) -> str:
        """Its name in a report."""
        ...

    def report(self) -> Any | None:
        """Return what others should know, as JSON; None if there is nothing."""
        ...

    def receive(self, process: str, content: Any) -> None:
        """Take in the report of *process*."""
        ...

    def forget(self, process: str) -> None:
        """Forget a process that reports no longer."""
        ...


class Exchange:
    """Exchanges *topics* with the other processes, and calls *followers*, in its own thread.

    With *has_siblings*, other processes of this node take part. *for_jobs* are topics that this
    node's processes for jobs take part in, too.
    """

    def __init__(
        self,
        topics: Sequence[Topic] = (),
        *,
        followers: Sequence[Callable[[], object]] = (),
        has_siblings: bool = False,
        for_jobs: Sequence[Topic] = (),
        every: float = EVERY,
    ) -> None:
        self._all_topics = tuple(dict.fromkeys((*topics, *for_jobs)))
        self._for_jobs = tuple(for_jobs)
        self._followers = followers
        self._has_siblings = has_siblings
        self._every = every
        self._process = new_id()
        self._number = 0
        self._written = ""
        self._read: dict[str, int] = {}
        self._alive_at = float("-inf")
        self._has_others = has_siblings
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Begin."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="exchange", daemon=True)
        self._thread.start()

    async def stop(self, *, seconds: float) -> None:
        """Note that this process ends."""
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, seconds)
            self._thread = None

    def once(self) -> None:
        """Report, and read the reports of the others."""
        if time.monotonic() - self._alive_at >= ALIVE_EVERY:
            report_node(this_node())
            self._has_others = self._has_siblings or bool(nodes_alive(apart_from=this_node().id))
            self._alive_at = time.monotonic()
        for follow in self._followers:
            follow()
        self.swap()

    def swap(self) -> None:
        """Read what others have reported, and report what they may not know, if there are any."""
        if self._topics:
            self._receive()
            self._report()

    @property
    def _topics(self) -> Sequence[Topic]:
        """The topics in which others take part now."""
        return self._all_topics if self._has_others else self._for_jobs

    def leave(self) -> None:
        """Delete what this process has reported."""
        forget_report(self._process)
        if not self._has_siblings:
            leave_installation(this_node())

    def _work(self) -> None:
        self._attempt(self.once)
        while not self._ended.wait(self._every):
            self._attempt(self.once)
        self._attempt(self.leave)
        connections.close_all()

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Error as error:
            if _say.now():
                log.warning("exchange-failed", error=name_of(error))
        except Exception:
            log.exception("exchange-failed")
        finally:
            close_old_connections()

    def _report(self) -> None:
        reports = {topic.name: topic.report() for topic in self._topics}
        content = json.dumps({name: each for name, each in reports.items() if each is not None})
        if content != self._written and (content != "{}" or self._written):
            self._number += 1
            write_report(self._process, number=self._number, content=content)
            self._written = content

    def _receive(self) -> None:
        numbers = dict(reports_of_others(self._process))
        for process in set(self._read) - set(numbers):
            del self._read[process]
            for topic in self._topics:
                topic.forget(process)
        news = [process for process, number in numbers.items() if self._read.get(process) != number]
        for process, content in contents_of(news).items() if news else ():
            self._hand_out(process, content)
            self._read[process] = numbers[process]

    def _hand_out(self, process: str, content: str) -> None:
        with contextlib.suppress(ValueError):
            reports: Mapping[str, Any] = json.loads(content)
            for topic in self._topics:
                topic.receive(process, reports.get(topic.name, {}))
