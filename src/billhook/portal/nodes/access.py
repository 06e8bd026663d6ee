"""The only way to the rows of nodes, which belong to the whole installation."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from billhook.portal.nodes.clock import database_now
from billhook.portal.nodes.models import KeyFingerprint, RunningNode, SharedReport

ALIVE: Final = timedelta(seconds=30)
"""A node that hasn't reported for so long has died."""
_FRESH: Final = timedelta(seconds=15)


def nodes_alive(*, apart_from: str = "") -> list[RunningNode]:
    """Return the nodes that have reported lately, by name."""
    seen = RunningNode.objects.filter(seen_at__gt=database_now() - ALIVE).exclude(id=apart_from)
    return list(seen.order_by("name", "started_at"))


def nodes_dead() -> list[RunningNode]:
    """Return the nodes that have stopped to report without having ended, by name."""
    return list(RunningNode.objects.filter(seen_at__lte=database_now() - ALIVE).order_by("name"))


def works_on_jobs() -> bool:
    """Return whether a node has processes for jobs that have reported lately."""
    return RunningNode.objects.filter(jobs_seen_at__gt=database_now() - ALIVE).exists()


def fingerprints() -> dict[str, str]:
    """Return the fingerprints of the installation's keys by kind."""
    return dict(KeyFingerprint.objects.values_list("kind", "fingerprint"))


def reports_of_others(process: str) -> list[tuple[str, int]]:
    """Return process and number of each recent report that isn't of *process*."""
    recent = SharedReport.objects.filter(written_at__gt=database_now() - _FRESH)
    return list(recent.exclude(process=process).values_list("process", "number"))


def contents_of(processes: Collection[str]) -> dict[str, str]:
    """Return the contents of the last reports of *processes*."""
    found = SharedReport.objects.filter(process__in=processes)
    return dict(found.values_list("process", "content"))
