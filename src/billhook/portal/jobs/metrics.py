"""The counters of jobs for Prometheus: no label contains a name, an id or a value."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from billhook.portal.jobs.dispatch import JobsNow
from billhook.portal.jobs.run import DoneTurn

_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 40, 60)


class JobMetrics:
    """Turns of this node, and the jobs of all nodes, in a registry of the caller's choice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._turns = Counter(
            "billhook_job_turns",
            "Turns of jobs on this node, by kind and result.",
            ["kind", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "billhook_job_turn_seconds",
            "Duration of the turns of jobs on this node, by kind.",
            ["kind"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._open = Gauge(
            "billhook_jobs_open",
            "Jobs of all nodes that wait or run.",
            ["state"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._late = Gauge(
            "billhook_jobs_late_seconds",
            "Seconds for which the first of all due jobs has waited.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def count(self, task: dict[str, Any], **_: Any) -> None:
        """Count the turn that the engine has reported as *task*: a receiver of its signal."""
        if task["success"] and task["result"]:
            turn = DoneTurn(*task["result"])
            self._turns.labels(turn.kind, turn.result).inc()
            self._seconds.labels(turn.kind).observe(turn.seconds)

    def show(self, now: JobsNow) -> None:
        """Set the gauges."""
        self._open.labels("waiting").set(now.waiting)
        self._open.labels("running").set(now.running)
        self._late.set(now.late_seconds)
