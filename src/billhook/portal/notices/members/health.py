"""The state of a source by the runs and syncs that exist: nothing is asked, no click waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from billhook.portal.integrations.models import Integration
from billhook.portal.notices.models import IncidentKind
from billhook.portal.runs.access import has_failed_since, newest_uses
from billhook.portal.runs.models import Run
from billhook.portal.runs.outcomes import (
    needs_member,
    sentence_of,
    source_works,
    tells_about_source,
)
from billhook.portal.runs.server_certificate import (
    end_of_server_certificate,
    sentence_about_server_certificate,
)
from billhook.portal.sync.access import certificate_ends
from billhook.portal.warnings.certificates import certificate_valid_until

FAILURES: Final = 3
"""Runs that failed in a row, after which members get a mail."""
CERTIFICATE_DAYS: Final = 30
CALM: Final = timedelta(minutes=30)
"""Time without a failed run after which a source that works has recovered."""
_LOOKED_BACK: Final = timedelta(days=7)
_READ: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """The kinds of incidents that a source has now, each with a sentence about it.

    ``works`` is whether the newest run that shows it got through; ``is_unused`` whether there is
    no such run.
    """

    incidents: dict[IncidentKind, str]
    works: bool
    is_unused: bool


def health_of(integration: Integration, *, now: datetime) -> SourceHealth:
    """Return the state of an enabled *integration*, by its runs since it was last changed."""
    since = max(now - _LOOKED_BACK, integration.changed_at)
    uses = newest_uses(integration, since=since, most=_READ)
    runs = [run for run in uses if tells_about_source(run.outcome, run.reason)][:FAILURES]
    incidents = _of_runs(runs)
    if sentence := _about_certificate(integration, now):
        incidents[IncidentKind.CERTIFICATE] = sentence
    listed = certificate_ends([integration], since=since).get(integration.id)
    if end := end_of_server_certificate(uses, listed=listed):
        incidents[IncidentKind.SERVER_CERTIFICATE] = sentence_about_server_certificate(end)
    return SourceHealth(
        incidents=incidents,
        works=bool(runs) and source_works(runs[0].outcome),
        is_unused=not runs,
    )


def has_recovered(integration: Integration, health: SourceHealth, *, now: datetime) -> bool:
    """Return whether *integration* works and hasn't failed for a while, or isn't used any more."""
    since = max(now - CALM, integration.changed_at)
    return (health.works or health.is_unused) and not has_failed_since(integration, since)


def _of_runs(runs: list[Run]) -> dict[IncidentKind, str]:
    if not runs or source_works(runs[0].outcome):
        return {}
    newest = runs[0]
    sentence = sentence_of(newest.outcome, newest.reason)
    if needs_member(newest.outcome, newest.reason):
        return {IncidentKind.NEEDS_MEMBER: sentence}
    if len(runs) == FAILURES and not any(source_works(run.outcome) for run in runs):
        return {IncidentKind.FAILS: f"The last {FAILURES} runs gave no document. {sentence}"}
    return {}


def _about_certificate(integration: Integration, now: datetime) -> str:
    until = certificate_valid_until(integration)
    if until is None or until > now + timedelta(days=CERTIFICATE_DAYS):
        return ""
    return (
        f"Its client certificate is valid until {until.day} {until:%B %Y}. Get a new one from the "
        "source's operator, and store it with its private key."
    )
