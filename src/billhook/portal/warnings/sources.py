"""Warnings about the organisation's sources: failing, paused, refusing, with an old certificate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone

from billhook.portal.integrations.access import integrations_to_look_at, integrations_with_tls
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.status import status_of
from billhook.portal.organisations.models import Member
from billhook.portal.runs.access import failing_integrations, newest_uses_of
from billhook.portal.runs.models import Run
from billhook.portal.runs.outcomes import (
    credentials_refused,
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
from billhook.portal.warnings.warning import Code, HomeWarning

SOON: Final = timedelta(days=30)
_LOOKED_BACK: Final = timedelta(days=7)
_LOOKED_AT: Final = 20
"""Integrations that are looked at: of more, those that failed last."""
_RUNS_READ: Final = 20
_RUNS_COUNTED: Final = 3
_FORBIDDEN: Final = "403"
_FEWEST_FAILURES: Final = 2


def source_warnings(member: Member) -> Iterator[HomeWarning]:
    """Give the warnings about the sources that are on."""
    since = timezone.now() - _LOOKED_BACK
    failing = failing_integrations(member, since=since, most=_LOOKED_AT)
    looked_at = list(integrations_to_look_at(member, failing, most=_LOOKED_AT))
    uses = newest_uses_of(looked_at, since=since, most=_RUNS_READ)
    listed = certificate_ends(looked_at, since=since)
    for integration in looked_at:
        yield from _runs(integration, uses[integration.id])
        end = end_of_server_certificate(uses[integration.id], listed=listed.get(integration.id))
        if end is not None:
            yield _server_certificate(integration, end)
    for integration in integrations_with_tls(member):
        yield from _certificate(integration)


def _runs(integration: Integration, uses: Sequence[Run]) -> Iterator[HomeWarning]:
    """Give at most one warning: about the credentials, a pause, or failures."""
    runs = [run for run in uses if tells_about_source(run.outcome, run.reason)][:_RUNS_COUNTED]
    status = status_of(integration)
    newest = runs[0] if runs else None
    if newest is not None and credentials_refused(newest.outcome):
        yield _refused(integration, newest)
    elif newest is not None and needs_member(newest.outcome, newest.reason):
        yield _needs_member(integration, newest)
    elif status.until is not None:
        yield _paused(integration, status.commands, status.until)
    elif len(runs) >= _FEWEST_FAILURES and not any(source_works(run.outcome) for run in runs):
        yield _failing(integration, runs)


def _needs_member(integration: Integration, run: Run) -> HomeWarning:
    return HomeWarning(
        code=Code.SOURCE_FAILS,
        title=f"{integration.name} gives no documents",
        text=f"Trying again can't help. {sentence_of(run.outcome, run.reason)}",
        address=_editor(integration),
        link=f"Open {integration.name}",
    )


def _refused(integration: Integration, run: Run) -> HomeWarning:
    is_forbidden = run.reason == _FORBIDDEN
    advice = (
        ""
        if is_forbidden
        else " The key or password may be wrong or expired: store a new one, then try it."
    )
    return HomeWarning(
        code=Code.SOURCE_REFUSED,
        title=f"{integration.name} refuses "
        + ("Billhook's requests" if is_forbidden else "Billhook's credentials"),
        text=f"{sentence_of(run.outcome, run.reason)}{advice}",
        address=_editor(integration),
        link=f"Open {integration.name}",
    )


def _paused(integration: Integration, commands: Sequence[str], until: datetime) -> HomeWarning:
    return HomeWarning(
        code=Code.SOURCE_PAUSED,
        title=f"Paused: {', '.join(commands)} of {integration.name}",
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


def _server_certificate(integration: Integration, end: date) -> HomeWarning:
    return HomeWarning(
        code=Code.SERVER_CERTIFICATE_EXPIRES,
        title=f"The certificate of {integration.name}'s server expires soon",
        text=sentence_about_server_certificate(end),
        address=_editor(integration),
        link=f"Open {integration.name}",
    )


def _editor(integration: Integration) -> str:
    return reverse("backoffice:integration", args=[integration.organisation_id, integration.id])


def _failures(integration: Integration) -> str:
    runs = reverse("backoffice:runs", args=[integration.organisation_id])
    return f"{runs}?outcome=failed&integration={integration.id}"
