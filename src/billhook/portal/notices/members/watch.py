"""The job that watches all sources: it opens and closes incidents, and writes to members once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from billhook.portal.integrations.models import Integration
from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.services import schedule
from billhook.portal.jobs.turn import Turn
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.mail.models import MailKind
from billhook.portal.mail.outbox import post_mail
from billhook.portal.notices.access import (
    check_of,
    has_had_incident,
    next_watched,
    open_incidents,
)
from billhook.portal.notices.members.health import SourceHealth, has_recovered, health_of
from billhook.portal.notices.members.nightly import do_check, is_check_due, sentence_about
from billhook.portal.notices.models import Incident, IncidentKind
from billhook.portal.notices.services import close_incident, open_incident
from billhook.portal.organisations.access import who_may_fix
from billhook.portal.runs.alerts import forget_alert

JOB: Final = "watch-sources"
EVERY: Final = timedelta(minutes=5)
_OF_RUNS: Final = (IncidentKind.NEEDS_MEMBER, IncidentKind.FAILS)
_OF_CERTIFICATES: Final = (IncidentKind.CERTIFICATE, IncidentKind.SERVER_CERTIFICATE)
"""These are over as soon as there is another certificate, and no mail says so."""
_MAILED_AT_ONCE: Final = IncidentKind.NEEDS_MEMBER
"""Members have had a mail about this when it happened: :mod:`billhook.portal.runs.alerts`."""


def begin_watching(_pace: Pace = AT_ONCE) -> None:
    """Have the sources of all organisations watched from now on."""
    schedule(JOB, every=EVERY, title="Watch sources")


def watch_turn(turn: Turn) -> None:
    """Look at the next integrations, as long as the turn goes on."""
    now = timezone.now()
    last = str(turn.cursor.get("last", ""))
    while turn.goes_on:
        integration = next_watched(after=last)
        if integration is None:
            turn.finish()
            return
        last = integration.id
        check = check_of(integration)
        is_checked = is_check_due(check, now=now)
        if is_checked:
            do_check(check, now=now)
        health = health_of(integration, now=now)
        if check.is_on and check.has_failed and not health.incidents.keys() & {*_OF_RUNS}:
            health.incidents[IncidentKind.CHECK] = sentence_about(check)
        turn.report(cursor={"last": last})
        change = change_of(integration, health, now=now)
        if is_checked or change.is_one:  # most sources are as they were: nothing is written
            with turn.saving():
                if is_checked:
                    check.save()
                settle(integration, change, now=now)
    turn.again()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChange:
    """The incidents of a source that begin, by kind with a sentence, and those that are over."""

    begins: Mapping[IncidentKind, str]
    over: Sequence[Incident]
    works: bool
    """Whether the source works, rather than that nobody knows."""

    @property
    def is_one(self) -> bool:
        """Whether anything changes."""
        return bool(self.begins or self.over)


def change_of(integration: Integration, health: SourceHealth, *, now: datetime) -> HealthChange:
    """Return what has changed about *integration*, by its *health*.

    Incidents about its runs are over when it has worked for a while: one that works once between
    two failures hasn't recovered.
    """
    known = open_incidents(integration)
    gone = [each for kind, each in known.items() if kind not in health.incidents]
    is_calm = bool(gone) and has_recovered(integration, health, now=now)
    return HealthChange(
        begins={kind: text for kind, text in health.incidents.items() if kind not in known},
        over=[each for each in gone if is_calm or each.kind in _OF_CERTIFICATES],
        works=health.works,
    )


def settle(integration: Integration, change: HealthChange, *, now: datetime) -> None:
    """Open and close incidents of *integration*, and write to its members about each once."""
    for kind, text in change.begins.items():
        is_known = kind in _OF_CERTIFICATES and has_had_incident(integration, kind, text)
        incident = open_incident(integration=integration, kind=kind, text=text, now=now)
        if kind != _MAILED_AT_ONCE and not is_known:
            _mail(incident, works=False)
    for incident in change.over:
        close_incident(incident=incident, now=now)
    of_runs = [each for each in change.over if each.kind not in _OF_CERTIFICATES]
    if of_runs and change.works:
        _mail(of_runs[0], works=True)
        forget_alert(integration)


def _mail(incident: Incident, *, works: bool) -> None:
    integration = incident.integration
    organisation = integration.organisation
    name = " ".join(integration.name.split())
    state = "works again" if works else "needs you"
    page = reverse("backoffice:integration", args=[organisation.id, integration.id])
    own = reverse("backoffice:notices", args=[organisation.id])
    for member in who_may_fix(organisation):
        context = {
            "member": member,
            "incident": incident,
            "integration": integration,
            "works": works,
            "is_certificate": incident.kind in _OF_CERTIFICATES,
            "page": f"{settings.PUBLIC_URL}{page}",
            "own": f"{settings.PUBLIC_URL}{own}#mine",
        }
        message = EmailMessage(
            subject=f"{name} {state}",
            body=render_to_string("notices/incident.txt", context),
            to=[member.user.email],
        )
        post_mail(
            message=message, kind=MailKind.SOURCE, user=member.user, organisation=organisation
        )


KINDS: Final = (JobKind(name=JOB, label="Watch sources", work=watch_turn),)
