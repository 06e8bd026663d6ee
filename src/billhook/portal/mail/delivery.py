"""Sends mail, and records the result of each attempt."""

from __future__ import annotations

from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from billhook.portal.mail.access import due_mail
from billhook.portal.mail.failure import mail_failure
from billhook.portal.mail.models import MailKind, OutgoingMail
from billhook.portal.mail.services import claim_mail, forget_sent_mail, record_failure
from billhook.portal.mail.status import check_mail_soon

log = structlog.get_logger("billhook.mail")

_MOST_AT_ONCE: Final = 20


def deliver_due_mail() -> None:
    """Send the mail that is due; some of it, where there is much."""
    for mail_id in due_mail(most=_MOST_AT_ONCE):
        deliver_mail(mail_id)


def deliver_mail(mail_id: str) -> None:
    """Send one mail, if it is due and no other process is sending it."""
    mail = claim_mail(mail_id=mail_id)
    if mail is None:
        return
    try:
        _message(mail).send()
    except Exception as error:  # noqa: BLE001 - whatever is raised on the way there is a reason
        record_failure(mail=mail, failure=mail_failure(error))
        _log_failure(mail)
        if mail.kind != MailKind.CODE:  # what strangers see must not depend on their own attempts
            check_mail_soon()
    else:
        forget_sent_mail(mail=mail)
        log.info("mail-sent", mail=mail.id, kind=mail.kind, attempts=mail.attempts)


def _message(mail: OutgoingMail) -> EmailMessage:
    return EmailMessage(
        subject=mail.subject,
        body=mail.body,
        to=[mail.to],
        reply_to=[mail.reply_to] if mail.reply_to else None,
    )


def _log_failure(mail: OutgoingMail) -> None:
    """Log host, port and reason: no address of a person, and nothing of the text."""
    log.warning(
        "mail-not-sent",
        mail=mail.id,
        kind=mail.kind,
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        reason=mail.failure,
        attempts=mail.attempts,
        next_attempt=None if mail.has_failed else mail.next_attempt_at.isoformat(),
    )
