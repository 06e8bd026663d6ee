"""Changes to the rows of nodes: a node joins, reports and leaves; keys are replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from billhook.portal.nodes.access import nodes_alive
from billhook.portal.nodes.clock import database_now, seconds_ahead
from billhook.portal.nodes.models import KeyFingerprint, RunningNode, SharedReport
from billhook.portal.nodes.node import ThisNode

log = structlog.get_logger("billhook.nodes")

_FORGOTTEN: Final = timedelta(days=1)
SECRETS: Final = "secrets"
SIGNING: Final = "signing"


class OtherKeys(Exception):
    """A node doesn't have the key of *kind* that the running nodes *others*, by name, have."""

    def __init__(self, kind: str, others: Sequence[str]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.others = tuple(others)


def join_installation(node: ThisNode, keys: Mapping[str, Sequence[str]]) -> None:
    """Let *node* be one of the installation's nodes if it has the same keys.

    *keys* are the fingerprints of its keys by kind, the one in use first. Where no other node is
    alive, a key may have been replaced; from now on, it is the installation's.

    Raises:
        OtherKeys: if other nodes have another key.
    """
    with transaction.atomic():
        others = [each.name for each in nodes_alive(apart_from=node.id)]
        for kind, known in sorted(keys.items()):
            row, _ = KeyFingerprint.objects.select_for_update().get_or_create(
                kind=kind, defaults={"fingerprint": known[0]}
            )
            if row.fingerprint in known:
                continue
            # one that was faster has joined in the transaction that we have waited for
            if others or (others := [each.name for each in nodes_alive(apart_from=node.id)]):
                raise OtherKeys(kind, others)
            row.fingerprint = known[0]
            row.save(update_fields=["fingerprint"])
            log.warning("key-replaced", kind=kind)
        report_node(node, has_started=True)


def report_node(node: ThisNode, *, has_started: bool = False, works_on_jobs: bool = False) -> None:
    """Note that *node* is alive, and, where it does, that its processes work on jobs."""
    now, ahead = seconds_ahead()
    facts: dict[str, Any] = {
        "name": node.name,
        "version": node.version,
        "seen_at": now,
        "clock_ahead": ahead,
    }
    if works_on_jobs:
        facts["jobs_seen_at"] = now
    started = {"started_at": timezone.now()}
    RunningNode.objects.update_or_create(
        id=node.id,
        defaults=facts | (started if has_started else {}),
        create_defaults=facts | started,
    )


def note_end_of_job_processes(node: ThisNode) -> None:
    """Note that *node* works on jobs no longer."""
    RunningNode.objects.filter(id=node.id).update(jobs_seen_at=None)


def leave_installation(node: ThisNode) -> None:
    """Note that *node* has stopped."""
    RunningNode.objects.filter(id=node.id).delete()


def replace_fingerprint(kind: str, fingerprint: str) -> None:
    """Make another key of *kind* the installation's: after a rotation."""
    KeyFingerprint.objects.update_or_create(kind=kind, defaults={"fingerprint": fingerprint})


def write_report(process: str, *, number: int, content: str) -> None:
    """Replace the report of *process* to the others."""
    facts = {"number": number, "content": content, "written_at": database_now()}
    SharedReport.objects.update_or_create(process=process, defaults=facts)


def forget_report(process: str) -> None:
    """Delete the report of *process*, which is about to end."""
    SharedReport.objects.filter(process=process).delete()


def forget_dead_nodes() -> None:
    """Delete what nodes and processes have left that died long ago."""
    long_ago = database_now() - _FORGOTTEN
    RunningNode.objects.filter(seen_at__lt=long_ago).delete()
    SharedReport.objects.filter(written_at__lt=long_ago).delete()
