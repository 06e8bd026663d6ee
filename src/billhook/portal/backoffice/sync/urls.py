"""The addresses of the pages of syncs, within an organisation."""

from __future__ import annotations

from django.urls import path

from billhook.portal.backoffice.sync import views

_SYNC = "/integrations/<id:integration_id>/sync"
patterns = [
    path(_SYNC, views.sync, name="sync"),
    path(f"{_SYNC}/start", views.start, name="sync-start"),
    path(f"{_SYNC}/stop", views.stop, name="sync-stop"),
    path(f"{_SYNC}/now", views.now, name="sync-now"),
    path(f"{_SYNC}/answer", views.answer, name="sync-answer"),
    path(f"{_SYNC}/dry-run", views.dry_run, name="sync-dry-run"),
    path(f"{_SYNC}/nudge", views.change_nudge, name="sync-nudge"),
    path("/invoices/unassigned", views.unassigned, name="unassigned"),
    path("/invoices/hidden", views.hidden, name="hidden"),
]
