"""The gateway's counters for Prometheus: no label contains a name, an id or a value."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class GatewayMetrics:
    """The gateway's counters, in a registry of the caller's choice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "billhook_gateway_answers",
            "Responses of the gateway, by status and code.",
            ["status", "code"],
            registry=registry,
        )
        self._in_flight = Gauge(
            "billhook_gateway_runs_in_flight",
            "Runs of the gateway in progress.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._seconds = Histogram(
            "billhook_gateway_run_seconds",
            "Duration of the gateway's runs, whatever their outcome.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._known: dict[tuple[int, str], Counter] = {}

    def answered(self, status: int, code: str) -> None:
        """Count one response."""
        counter = self._known.get((status, code))
        if counter is None:
            counter = self._known[status, code] = self._answers.labels(str(status), code)
        counter.inc()

    def run_started(self) -> None:
        """Count a run that goes on."""
        self._in_flight.inc()

    def run_ended(self, seconds: float) -> None:
        """Count a run that has ended, after *seconds*."""
        self._in_flight.dec()
        self._seconds.observe(seconds)
