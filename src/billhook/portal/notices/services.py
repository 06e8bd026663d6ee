"""Changes to notices. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.integrations.models import Integration
from billhook.portal.jobs.services import enqueue, schedule
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.mail.failure import MailFailure
from billhook.portal.mail.services import DELAYS
from billhook.portal.notices.access import TROUBLED_STATES
from billhook.portal.notices.calendar import zone_of
from billhook.portal.notices.languages import MailText
from billhook.portal.notices.models import (
    Enclosure,
    Frequency,
    Incident,
    IncidentKind,
    MailingState,
    NoticeChoice,
    NoticeMailing,
    NoticeRules,
    NoticeText,
    SourceCheck,
)
from billhook.portal.organisations.models import Organisation

JOB: Final = "notices"
"""The kind of the job that announces invoices and sends the mail."""
LASTING: Final = timedelta(days=2)
"""Time in which a mail with notices is tried again."""
KEPT: Final = timedelta(days=400)
"""Time for which sent mail is listed at its invoices."""
_RESTART: Final = timedelta(minutes=5)
"""The job goes on for ever; the schedule begins it again if it was stopped or has failed."""
PERHAPS_SENT: Final = (
    "Billhook was ended while it sent this mail. Ask whether it has arrived, or send it again."
)


def change_rules(*, rules: NoticeRules, changes: Mapping[str, Any]) -> NoticeRules:
    """Change what an organisation sends, and have the job look at it soon.

    The first time, invoices count from the present day on, unless *changes* say otherwise.
    """
    had_new, now = rules.sends_new, timezone.now()
    for name, value in changes.items():
        setattr(rules, name, value)
    if rules.is_on and rules.counts_from is None:
        rules.counts_from = now.astimezone(zone_of(rules.time_zone)).date()
    if rules.sends_new and not had_new:
        rules.new_since = rules.new_until = now
    rules.changed_at, rules.days_at = now, None
    with transaction.atomic():
        rules.save()
        begin_job(rules.organisation)
    return rules


def begin_job(organisation: Organisation) -> None:
    """Have the notices of *organisation* announced and sent from now on."""
    facts: dict[str, Any] = {
        "organisation": organisation,
        "subject": organisation.id,
        "title": "Notices by mail",
        "chain": f"notices:{organisation.id}",
    }
    schedule(JOB, every=_RESTART, first_after=_RESTART, **facts)
    enqueue(JOB, **facts)


def choose(
    *, user: User, organisation: Organisation, frequency: str, language: str
) -> NoticeChoice:
    """Remember how a person wants the notices of an organisation."""
    row, _ = NoticeChoice.objects.update_or_create(
        organisation=organisation,
        user=user,
        defaults={"frequency": frequency, "language": language},
    )
    return row


def save_text(*, organisation: Organisation, kind: str, language: str, text: MailText) -> None:
    """Use the organisation's own text for a kind of mail in a language."""
    NoticeText.objects.update_or_create(
        organisation=organisation,
        kind=kind,
        language=language,
        defaults={"subject": text.subject, "body": text.body},
    )


def remove_text(*, organisation: Organisation, kind: str, language: str) -> None:
    """Use the usual text again."""
    NoticeText.objects.filter(organisation=organisation, kind=kind, language=language).delete()


def stop_notices(*, user_id: str, organisation_id: str) -> None:
    """Send a person no more notices; nothing happens if one of the two is gone."""
    try:
        with transaction.atomic():
            if not _both_exist(user_id, organisation_id):
                return
            NoticeChoice.objects.update_or_create(
                organisation_id=organisation_id,
                user_id=user_id,
                defaults={"frequency": Frequency.OFF},
            )
    except IntegrityError:  # gone in this very moment
        return


def _both_exist(user_id: str, organisation_id: str) -> bool:
    return (
        User.objects.filter(id=user_id).exists()
        and Organisation.objects.filter(id=organisation_id).exists()
    )


def claim_mailing(*, mailing: NoticeMailing, to: str, enclosure: Enclosure) -> bool:
    """Mark a mail as being sent, in the turn's own transaction; return False if it isn't waiting.

    From now on nobody sends it again without a member's order, whatever happens to this process.
    """
    now = timezone.now()
    waiting = NoticeMailing.objects.filter(id=mailing.id, state=MailingState.WAITING)
    return bool(
        waiting.update(
            state=MailingState.SENDING,
            attempts=F("attempts") + 1,
            began_at=now,
            to=to,
            enclosure=enclosure,
        )
    )


def record_sent(*, mailing: NoticeMailing) -> None:
    """Note that the mail server took a mail."""
    _of(mailing).filter(state=MailingState.SENDING).update(
        state=MailingState.SENT, sent_at=timezone.now(), failure="", reason=""
    )


def record_not_sent(*, mailing: NoticeMailing, failure: MailFailure) -> None:
    """Plan the next attempt, or give the mail up where another attempt wouldn't help."""
    now = timezone.now()
    delay = DELAYS[min(mailing.attempts + 1, len(DELAYS)) - 1]
    is_over = failure.is_final or now + delay > mailing.created_at + LASTING
    _of(mailing).update(
        state=MailingState.FAILED if is_over else MailingState.WAITING,
        due_at=now + delay,
        failure=failure.code,
        reason=failure.message[:500],
    )


def record_bounce(*, mailing: NoticeMailing, failure: MailFailure) -> bool:
    """Note that a mail came back; return False if it isn't one that was sent.

    A bounce may come before the note that the mail server took the mail.
    """
    sent = (MailingState.SENDING, MailingState.SENT, MailingState.UNCERTAIN)
    return bool(
        _of(mailing)
        .filter(state__in=sent)
        .update(state=MailingState.BOUNCED, failure=failure.code, reason=failure.message[:500])
    )


def drop_mailing(*, mailing: NoticeMailing, reason: str) -> None:
    """Note that a mail needn't be sent any more."""
    _of(mailing).update(state=MailingState.DROPPED, reason=reason)


def drop_waiting(*, rules: NoticeRules, reason: str) -> None:
    """Drop whatever an organisation hasn't sent yet: it wants no notices any more."""
    waiting = NoticeMailing.objects.filter(
        organisation_id=rules.organisation_id, state=MailingState.WAITING
    )
    waiting.update(state=MailingState.DROPPED, reason=reason)


def note_interrupted(*, rules: NoticeRules) -> int:
    """Note that mail which a process was sending when it ended was perhaps sent.

    The caller holds the job, so nobody else sends mail of this organisation.
    """
    sending = NoticeMailing.objects.filter(
        organisation_id=rules.organisation_id, state=MailingState.SENDING
    )
    return sending.update(
        state=MailingState.UNCERTAIN, failure="mail-interrupted", reason=PERHAPS_SENT
    )


def send_again(*, mailing: NoticeMailing) -> bool:
    """Have a mail in one of the TROUBLED_STATES sent again; return False if it is in another."""
    ended = NoticeMailing.objects.filter(id=mailing.id, state__in=TROUBLED_STATES)
    now = timezone.now()
    with transaction.atomic():
        changed = ended.update(
            state=MailingState.WAITING, attempts=0, due_at=now, created_at=now, reason=""
        )
        if changed:
            begin_job(mailing.organisation)
    return bool(changed)


def remember_scan(*, rules: NoticeRules, **facts: datetime) -> None:
    """Note how far invoices were examined, unless a member has changed the rules meanwhile."""
    NoticeRules.objects.filter(pk=rules.pk, changed_at=rules.changed_at).update(**facts)


def open_incident(
    *, integration: Integration, kind: IncidentKind, text: str, now: datetime
) -> Incident:
    """Note that something is wrong with a source from *now* on."""
    return Incident.objects.create(
        organisation_id=integration.organisation_id,
        integration=integration,
        kind=kind,
        text=text[:500],
        opened_at=now,
    )


def save_check(*, check: SourceCheck, is_on: bool, number: str) -> None:
    """Turn the nightly check of a source on or off; it is done soon if it is new."""
    if is_on and (not check.is_on or number != check.number):
        check.checked_at = None
    check.is_on, check.number = is_on, number
    check.save()


def close_incident(*, incident: Incident, now: datetime) -> None:
    """Note that an incident is over."""
    Incident.objects.filter(id=incident.id, closed_at=None).update(closed_at=now)


def forget_old_mailings(pace: Pace = AT_ONCE, *, now: datetime | None = None) -> None:
    """Delete the rows of mail that was sent long ago; its notices stay, so it isn't sent again."""
    oldest = (now or timezone.now()) - KEPT
    pace.delete(NoticeMailing.objects.filter(created_at__lt=oldest))
    pace.delete(Incident.objects.filter(closed_at__lt=oldest))


def _of(mailing: NoticeMailing) -> Any:
    return NoticeMailing.objects.filter(id=mailing.id)
