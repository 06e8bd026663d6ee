"""Changes to mail that hasn't been sent, and to the result of the last check."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.mail.failure import MailFailure
from billhook.portal.mail.models import BounceMailbox, MailCheck, MailKind, MailState, OutgoingMail
from billhook.portal.organisations.models import Organisation

LASTING: Final = timedelta(days=1)
"""Time in which a mail is tried again, unless it says otherwise."""
LEASE: Final = timedelta(minutes=2)
"""Time after which a mail that a process was sending is taken over by another."""
KEPT: Final = timedelta(days=30)
"""Time for which a mail that couldn't be sent is shown."""
DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (15, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600)
)
"""Waits after the first attempts; the last one repeats until the mail expires."""


def keep_mail(
    *,
    message: EmailMessage,
    kind: MailKind,
    user: User,
    organisation: Organisation | None = None,
    lasting: timedelta = LASTING,
) -> OutgoingMail:
    """Keep *message* until it is sent, or until *lasting* is over."""
    now = timezone.now()
    return OutgoingMail.objects.create(
        organisation=organisation,
        user=user,
        kind=kind,
        to=message.to[0],
        reply_to=next(iter(message.reply_to or ()), ""),
        subject=str(message.subject),
        body=str(message.body),
        next_attempt_at=now,
        expires_at=now + lasting,
    )


def claim_mail(*, mail_id: str) -> OutgoingMail | None:
    """Return the mail for this process to send, if it is due; no other process gets it then."""
    now = timezone.now()
    due = OutgoingMail.objects.filter(id=mail_id, state=MailState.WAITING, next_attempt_at__lte=now)
    if not due.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
        return None
    return OutgoingMail.objects.filter(id=mail_id).first()


def forget_sent_mail(*, mail: OutgoingMail) -> None:
    """Delete a mail that the mail server took."""
    OutgoingMail.objects.filter(id=mail.id).delete()


def record_failure(*, mail: OutgoingMail, failure: MailFailure) -> None:
    """Plan the next attempt of *mail*, or give it up where another attempt wouldn't help."""
    now = timezone.now()
    delay = DELAYS[min(mail.attempts, len(DELAYS)) - 1]
    mail.failure, mail.reason = failure.code, failure.message
    if not failure.is_final and now + delay < mail.expires_at:
        mail.next_attempt_at = now + delay
    else:
        mail.state = MailState.FAILED
        mail.body = mail.body if mail.kind != MailKind.CODE else ""
    mail.save(update_fields=["failure", "reason", "next_attempt_at", "state", "body"])


def send_mail_again(*, mail: OutgoingMail) -> OutgoingMail:
    """Have a mail that failed tried again from the start."""
    now = timezone.now()
    mail.state, mail.attempts, mail.failure, mail.reason = MailState.WAITING, 0, "", ""
    mail.next_attempt_at, mail.expires_at = now, now + LASTING
    mail.save()
    return mail


def withdraw_mail(*, user: User, organisation: Organisation) -> None:
    """Delete what *organisation* hasn't sent to *user* yet: their access has ended."""
    OutgoingMail.objects.filter(user=user, organisation=organisation).delete()


def delete_old_mail(pace: Pace = AT_ONCE, *, now: datetime | None = None) -> None:
    """Delete mail that failed long ago."""
    oldest = (now or timezone.now()) - KEPT
    pace.delete(OutgoingMail.objects.filter(state=MailState.FAILED, created_at__lt=oldest))


def plan_check(*, at: datetime) -> None:
    """Have the mail server checked at a time."""
    MailCheck.objects.update_or_create(id=1, defaults={"next_check_at": at})


def claim_check() -> bool:
    """Return whether a check is due; no other process gets it then."""
    now = timezone.now()
    due = MailCheck.objects.filter(id=1, next_check_at__lte=now)
    return bool(due.update(next_check_at=now + LEASE))


def record_check(*, failure: MailFailure | None, next_check_at: datetime) -> None:
    """Remember the result of a check: *failure*, or that the mail server works."""
    now = timezone.now()
    before = MailCheck.objects.filter(id=1).values_list("failing_since", flat=True).first()
    facts = {
        "checked_at": now,
        "next_check_at": next_check_at,
        "failing_since": (before or now) if failure else None,
        "failure": failure.code if failure else "",
        "reason": failure.message if failure else "",
    }
    MailCheck.objects.update_or_create(id=1, defaults=facts)


def remember_message(*, place: str, validity: int, number: int) -> None:
    """Note that a message of the mailbox for bounces was read."""
    facts = {"place": place, "validity": validity, "number": number}
    BounceMailbox.objects.update_or_create(id=1, defaults=facts)


def record_mailbox(*, failure: MailFailure | None) -> None:
    """Remember how reading the mailbox for bounces went just now."""
    now = timezone.now()
    before = BounceMailbox.objects.filter(id=1).values_list("failing_since", flat=True).first()
    facts = {
        "read_at": now,
        "failing_since": (before or now) if failure else None,
        "failure": failure.code if failure else "",
        "reason": failure.message[:500] if failure else "",
    }
    BounceMailbox.objects.update_or_create(id=1, defaults=facts)
