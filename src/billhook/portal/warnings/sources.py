"""Warnings about the organisation's sources: failing, paused, refusing, with an old certificate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone

from billhook.portal.integrations.access import integrations_for_member
from billhook.portal.integrations.certificates import certificate_valid_until
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.status import status_of
from billhook.portal.organisations.models import Member
from billhook.portal.runs.access import newest_uses
from billhook.portal.runs.models import Run
from billhook.portal.runs.outcomes import (
    credentials_refused,
    sentence_of,
    source_works,
    tells_about_source,
)
from billhook.portal.warnings.warning import Code, HomeWarning

SOON: Final = timedelta(days=30)
_LOOKED_BACK: Final = timedelta(days=7)
_RUNS_READ: Final = 20
_RUNS_COUNTED: Final = 3
_FEWEST_FAILURES: Final = 2


def source_warnings(member: Member) -> Iterator[HomeWarning]:
    """Give the warnings about the sources that are on."""
    for integration in integrations_for_member(member).filter(enabled=True):
        yield from _runs(integration)
        yield from _certificate(integration)


def _runs(integration: Integration) -> Iterator[HomeWarning]:
    """Give at most one warning: about the credentials, a pause, or failures."""
    since = max(timezone.now() - _LOOKED_BACK, integration.changed_at)
    runs = [
        run
        for run in newest_uses(integration, since=since, most=_RUNS_READ)
        if tells_about_source(run.outcome, run.reason)
    ][:_RUNS_COUNTED]
    paused_until = status_of(integration).until
    if runs and credentials_refused(runs[0].outcome):
        yield _refused(integration, runs[0])
    elif paused_until is not None:
        yield _paused(integration, paused_until)
    elif len(runs) >= _FEWEST_FAILURES and not any(source_works(run.outcome) for run in runs):
        yield _failing(integration, runs)


def _refused(integration: Integration, run: Run) -> HomeWarning:
    return HomeWarning(
        code=Code.SOURCE_REFUSED,
        title=f"{integration.name} refuses Billhook's credentials",
        text=f"{sentence_of(run.outcome, run.reason)} The key or password may be wrong or expired: "
        "store a new one, then try it.",
        address=_editor(integration),
        link=f"Open {integration.name}",
    )


def _paused(integration: Integration, until: datetime) -> HomeWarning:
    return HomeWarning(
        code=Code.SOURCE_PAUSED,
        title=f"{integration.name} is paused",
        text="Paused after five failures in a row. Billhook will retry automatically at "
        f"{until:%H:%M:%S} UTC.",
        address=_failures(integration),
        link="See what failed",
    )


def _failing(integration: Integration, runs: list[Run]) -> HomeWarning:
    newest = runs[0]
    return HomeWarning(
        code=Code.SOURCE_FAILS,
        title=f"{integration.name} fails",
        text=f"The last {len(runs)} runs gave no document. "
        f"{sentence_of(newest.outcome, newest.reason)}",
        address=reverse("backoffice:run", args=[integration.organisation_id, newest.id]),
        link="See the last run",
    )


def _certificate(integration: Integration) -> Iterator[HomeWarning]:
    until, now = certificate_valid_until(integration), timezone.now()
    if until is None or until > now + SOON:
        return
    has_expired = until <= now
    day = f"{until.day} {until:%B %Y}"
    yield HomeWarning(
        code=Code.CERTIFICATE_EXPIRED if has_expired else Code.CERTIFICATE_EXPIRES,
        title=f"The client certificate of {integration.name} "
        + ("has expired" if has_expired else "expires soon"),
        text=(f"It expired on {day}. " if has_expired else f"It is valid until {day}. ")
        + "Get a new one from the source's operator, and store it with its private key.",
        address=_editor(integration),
        link=f"Open {integration.name}",
    )


def _editor(integration: Integration) -> str:
    return reverse("backoffice:integration", args=[integration.organisation_id, integration.id])


def _failures(integration: Integration) -> str:
    runs = reverse("backoffice:runs", args=[integration.organisation_id])
    return f"{runs}?outcome=failed&integration={integration.id}"
