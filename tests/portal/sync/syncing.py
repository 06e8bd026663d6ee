"""Syncs in a test's own thread."""

from __future__ import annotations

from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.sync.models import SyncRun, SyncSource
from billhook.portal.sync.services import start_sync, sync_now


def synced(source: SyncSource, *, full: bool = False, takes_over: bool = False) -> SyncRun:
    """Sync once, to the end, and return the run."""
    source.refresh_from_db()
    if source.is_on:
        sync_now(source=source, full=full)
    else:
        start_sync(source=source, takes_over=takes_over)
    work(source)
    return source.runs.filter(is_dry=False)[0]


def work(source: SyncSource) -> None:
    """Do all jobs that are due, as the engine would."""
    run_due_jobs()
    source.refresh_from_db()


def reasons() -> list[str]:
    """Return the reasons of jobs that failed."""
    return list(Job.objects.exclude(reason="").values_list("reason", flat=True))


def ours(source: SyncSource) -> list[Invoice]:
    """Return the invoices of *source*, by number; hidden ones, too."""
    found = Invoice.objects.filter(integration=source.integration_id).select_related("customer")
    return list(found.order_by("number", "id"))
