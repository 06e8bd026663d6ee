"""Checks of the nodes (alive, one version, same keys, right time) and of their storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import SIGNING_KEY_FILE
from billhook.portal.integrations.crypto import KEY_FILE
from billhook.portal.jobs.dispatch import is_work_late
from billhook.portal.nodes.access import fingerprints, nodes_alive, nodes_dead, works_on_jobs
from billhook.portal.nodes.models import RunningNode
from billhook.portal.nodes.services import SIGNING
from billhook.portal.storage.byte_store import BytesAway
from billhook.portal.storage.s3_bytes import S3Bytes
from billhook.portal.storage.shelves import byte_store
from billhook.server.doctor.finding import Finding, Findings
from billhook.server.keys import own_keys

_AHEAD_SECONDS: Final = 2.0
_JOBS_LATE: Final = timedelta(minutes=1)


def check_nodes() -> Iterator[Finding]:
    """Check what the running nodes report, and the keys here."""
    findings = Findings(check="nodes")
    nodes = nodes_alive()
    problems = [
        *_keys(findings),
        *_dead(findings),
        *_alive(findings, nodes),
        *_jobs(findings, nodes),
    ]
    yield from problems
    if not problems:
        names = ", ".join(each.name for each in nodes)
        yield findings.ok(
            f"Running: {names}, version {nodes[0].version}." if nodes else "No node is running."
        )


def check_storage() -> Iterator[Finding]:
    """Check that a bucket, if files are stored in one, takes an object, gives it and deletes it."""
    findings = Findings(check="storage")
    store = byte_store()
    if not isinstance(store, S3Bytes):
        where = "data folder" if store is None else "database"
        yield findings.ok(f"Documents are stored in the {where}.")
        return
    try:
        store.check()
    except BytesAway as error:
        yield findings.broken(
            "storage-away",
            f"The bucket that BILLHOOK_STORAGE names can't be used ({error}). Check the address "
            "and the access key; it needs PutObject, GetObject and DeleteObject.",
        )
    else:
        yield findings.ok("The bucket that BILLHOOK_STORAGE names can be written and read.")


def _keys(findings: Findings) -> Iterator[Finding]:
    expected = fingerprints()
    for kind, known in _keys_here():
        if expected.get(kind, known[0]) not in known:
            name = "BILLHOOK_SIGNING_KEY" if kind == SIGNING else "BILLHOOK_SECRETS_KEYS"
            yield findings.broken(
                "other-keys",
                f"{name}, or its file in the data folder, isn't the one of the nodes that served "
                "last. Set it as it is there.",
            )


def _keys_here() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the fingerprints of the keys here; those that would have to be made are left out."""
    settings = environment.current()
    has_signing = settings.signing_key or (settings.data_dir / SIGNING_KEY_FILE).exists()
    has_secrets = settings.secrets_keys or (settings.data_dir / KEY_FILE).exists()
    if has_signing and has_secrets:  # else the check of the keys says so
        yield from own_keys().items()


def _dead(findings: Findings) -> Iterator[Finding]:
    for node in nodes_dead():
        yield findings.warning(
            "node-dead",
            f"{node.name} hasn't reported since {node.seen_at:%Y-%m-%d %H:%M:%S} UTC: it was "
            "killed, or doesn't reach the database. A day later it is forgotten.",
        )


def _jobs(findings: Findings, nodes: Sequence[RunningNode]) -> Iterator[Finding]:
    if nodes and not works_on_jobs() and is_work_late(_JOBS_LATE):
        yield findings.broken(
            "jobs-wait",
            "Jobs wait, and no process works on them. Start `billhook work`, or set "
            "BILLHOOK_JOB_PROCESSES to 1 or more and restart Billhook.",
        )


def _alive(findings: Findings, nodes: Sequence[RunningNode]) -> Iterator[Finding]:
    for node in nodes:
        if abs(node.clock_ahead) > _AHEAD_SECONDS:
            where = "ahead of" if node.clock_ahead > 0 else "behind"
            yield findings.broken(
                "node-clock",
                f"The clock of {node.name} is {abs(node.clock_ahead):,.0f} seconds {where} the "
                "database's. Let NTP set both (timedatectl set-ntp true).",
            )
    versions = sorted({node.version for node in nodes})
    if len(versions) > 1:
        named = "; ".join(f"{node.name}: {node.version}" for node in nodes)
        yield findings.warning(
            "node-versions", f"The nodes have different versions ({named}). Upgrade the others."
        )
    if len(nodes) > 1 and byte_store() is None:
        yield findings.broken(
            "nodes-without-storage",
            f"{len(nodes)} nodes are running, and documents are stored in the data folder of each. "
            "Remove BILLHOOK_STORAGE, which stores them in the database, or name a bucket.",
        )
