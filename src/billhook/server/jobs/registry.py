"""The counters that ``/metrics`` shows: those of this process, and of others on the node."""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.multiprocess import MultiProcessCollector

from billhook.portal.nodes.node import this_node
from billhook.server.jobs.child import JobProcesses

NODE_INFO: Final = Gauge(
    "billhook_node_info",
    "The node whose counters these are, and its version.",
    ("node", "version"),
    multiprocess_mode="livemax",
)


def name_node() -> None:
    """Count this node, with its name and version."""
    NODE_INFO.labels(this_node().name, this_node().version).set(1)


def readable_registry(
    jobs: JobProcesses | None, *, is_one_of_many: bool = False
) -> CollectorRegistry:
    """Return where counters are read: those of one process, or of all workers, and of *jobs*."""
    if not is_one_of_many:
        if jobs is not None:
            MultiProcessCollector(REGISTRY, path=jobs.counters)  # type: ignore[no-untyped-call]
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
