"""The main process for jobs on one node: it keeps the engine's processes, and tends the rows.

The engine starts its processes by forking. This one, which also keeps time, enqueues what is
scheduled, and gives tickets to jobs that are due.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from typing import Final

import structlog
from django.db import Error, close_old_connections, connections
from django_q.cluster import Cluster
from django_q.signals import post_execute
from prometheus_client import REGISTRY

from billhook.portal.installation.logs import Seldom, name_of
from billhook.portal.jobs.dispatch import give_tickets, has_overdue_ticket, jobs_now
from billhook.portal.jobs.kind import load_job_kinds
from billhook.portal.jobs.lease import lease_time
from billhook.portal.jobs.metrics import JobMetrics
from billhook.portal.jobs.services import enqueue_scheduled
from billhook.portal.jobs.shared_memory import note_turn, seconds_since_turn, stop_soon
from billhook.portal.nodes.node import this_node
from billhook.portal.nodes.services import note_end_of_job_processes, report_node
from billhook.server.jobs.lifeline import Lifeline

log = structlog.get_logger("billhook.jobs")

_LOOK_EVERY: Final = 0.5
_SHOW_EVERY: Final = 10.0
_ALIVE_EVERY: Final = 5.0
_PAUSE: Final = 2.0
"""Seconds before the engine's processes are started again."""


class JobCluster:
    """The job processes of this node, until SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._seldom = Seldom(60.0)
        self._metrics = JobMetrics(REGISTRY)
        self._shown_at = float("-inf")
        self._alive_at = float("-inf")

    def run(self) -> None:
        """Work on jobs until asked to stop; then finish the turns in progress, and return."""
        post_execute.connect(self._metrics.count)  # in the process that keeps the results
        load_job_kinds()
        gc.collect()
        gc.freeze()  # shared with the forked processes, as long as nobody writes to it
        while not self._stop.is_set():
            self._run_once()
        with contextlib.suppress(Error):
            note_end_of_job_processes(this_node())

    def ask_to_stop(self) -> None:
        """Let :meth:`run` return soon. For a signal handler."""
        stop_soon()
        self._stop.set()

    def _run_once(self) -> None:
        """Run the engine until the stop, or until it no longer works."""
        connections.close_all()  # a forked process must not use ours
        lifeline = Lifeline()
        note_turn()
        cluster = Cluster()
        self._take_signals()
        try:
            cluster.start()
            self._tend_until_it_ends(cluster)
            if cluster.sentinel.is_alive() and self._stop.is_set():
                cluster.stop()
        finally:
            lifeline.cut()
        if not self._stop.is_set():
            log.error("job-processes-died")
            self._stop.wait(_PAUSE)

    def _take_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.ask_to_stop())

    def _tend_until_it_ends(self, cluster: Cluster) -> None:
        while not self._stop.wait(_LOOK_EVERY):
            if not cluster.sentinel.is_alive():
                return
            try:
                if self._is_stuck():
                    return
                self._report()
                enqueue_scheduled()
                give_tickets()
                self._show()
            except Error as error:
                if self._seldom.now():
                    log.warning("jobs-not-tended", error=name_of(error))
            finally:
                close_old_connections()

    def _report(self) -> None:
        """Note from time to time that these processes are alive."""
        if time.monotonic() - self._alive_at > _ALIVE_EVERY:
            self._alive_at = time.monotonic()
            report_node(this_node(), works_on_jobs=True)

    def _show(self) -> None:
        """Set the gauges from time to time."""
        if time.monotonic() - self._shown_at > _SHOW_EVERY:
            self._shown_at = time.monotonic()
            self._metrics.show(jobs_now())

    def _is_stuck(self) -> bool:
        """Return whether tickets lie there that the engine should have handed in long ago.

        A worker that is killed while it waits for a ticket leaves its lock behind, and no other
        gets any from then on.
        """
        limit = lease_time()
        return seconds_since_turn() > limit.total_seconds() and has_overdue_ticket(limit)
