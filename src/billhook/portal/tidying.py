"""What is tidied up every hour while the server runs."""

from __future__ import annotations

from billhook.portal.accounts.services import forget_what_expired
from billhook.portal.runs.retention import delete_old_runs


def tidy() -> None:
    """Delete old runs, and sessions and counts that have had their time."""
    delete_old_runs()
    forget_what_expired()
