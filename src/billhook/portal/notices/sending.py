"""Sends the mail that waits, one after the other, and notes the result of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from billhook.portal.installation import environment
from billhook.portal.invoices.access import invoices_for_contact
from billhook.portal.invoices.shown_status import is_open
from billhook.portal.jobs.turn import Turn
from billhook.portal.mail.failure import MailFailed
from billhook.portal.mail.status import check_mail_soon
from billhook.portal.notices.access import (
    begun_since,
    choices_for,
    due_mailings,
    frequency_for,
    language_for,
    notices_of_mailing,
    own_texts,
)
from billhook.portal.notices.enclosure import NOTHING, EnclosedDocument, attachment_for
from billhook.portal.notices.letter import Announced, Letter, writer_for
from billhook.portal.notices.mailer import Mailer, message_of, open_mailer
from billhook.portal.notices.models import (
    Enclosure,
    Frequency,
    Notice,
    NoticeKind,
    NoticeMailing,
    NoticeRules,
)
from billhook.portal.notices.services import (
    claim_mailing,
    drop_mailing,
    record_not_sent,
    record_sent,
)

log = structlog.get_logger("billhook.notices")

HOUR: Final = timedelta(hours=1)
_AT_ONCE: Final = 50
_STOPPED: Final = "The person gets no mail about invoices any more."
_NOTHING_LEFT: Final = "The invoice was paid, or isn't shown any more."


def most_in_an_hour() -> int:
    """Return the most mails that one organisation may send in an hour."""
    return environment.current().notices_per_hour


def send_due(rules: NoticeRules, turn: Turn) -> bool:
    """Send the mail that is due, as long as the turn goes on; return whether there is more.

    After a failure that may pass, nothing more is sent in this turn.
    """
    room = most_in_an_hour() - begun_since(rules, timezone.now() - HOUR)
    waiting = due_mailings(rules, now=timezone.now(), most=min(room, _AT_ONCE)) if room > 0 else []
    with open_mailer() as mailer:
        for mailing in waiting:
            if not turn.goes_on:
                return True
            if not _send(rules, mailing, turn, mailer):
                return False
    return len(waiting) == _AT_ONCE


def _send(rules: NoticeRules, mailing: NoticeMailing, turn: Turn, mailer: Mailer) -> bool:
    """Send one mail; return False if others had better wait, too."""
    notices = _still_true(rules, mailing)
    if isinstance(notices, str):
        with turn.saving():
            drop_mailing(mailing=mailing, reason=notices)
        return True
    attachment = _attachment(rules, mailing, notices)
    letter = _letter(rules, mailing, notices, attachment.result)
    to = mailing.user.email
    message = message_of(letter, organisation=rules.organisation, to=to, mailing_id=mailing.id)
    if attachment.content:
        message.attach(attachment.name, attachment.content, attachment.media_type)
    try:
        mailer.get_ready()
        with turn.saving():
            is_ours = claim_mailing(mailing=mailing, to=to, enclosure=attachment.result)
        if not is_ours:
            return True
        mailer.send(message)
    except MailFailed as failed:
        return _note_failure(mailing, failed, turn)
    with turn.saving():
        record_sent(mailing=mailing)
    log.info("notice-sent", mailing=mailing.id, notices=len(notices))
    return True


def _note_failure(mailing: NoticeMailing, failed: MailFailed, turn: Turn) -> bool:
    with turn.saving():
        record_not_sent(mailing=mailing, failure=failed.failure)
    log.warning("notice-not-sent", mailing=mailing.id, reason=failed.failure.code)
    if failed.failure.is_final:
        return True
    check_mail_soon()
    return False


def _still_true(rules: NoticeRules, mailing: NoticeMailing) -> list[Notice] | str:
    """Return the notices of a mail that are still worth sending, or the reason why none is."""
    choice = choices_for(rules, [mailing.user_id]).get(mailing.user_id)
    if frequency_for(rules, choice) == Frequency.OFF:
        return _STOPPED
    notices = notices_of_mailing(mailing)
    theirs = invoices_for_contact(mailing.user).filter(
        id__in=[notice.invoice_id for notice in notices]
    )
    shown = set(theirs.values_list("id", flat=True))
    unpaid = set(theirs.filter(is_open()).values_list("id", flat=True))
    left = [
        notice
        for notice in notices
        if notice.invoice_id in (shown if notice.kind == NoticeKind.NEW else unpaid)
    ]
    return left or _NOTHING_LEFT


def _attachment(
    rules: NoticeRules, mailing: NoticeMailing, notices: Sequence[Notice]
) -> EnclosedDocument:
    """Return the document, where the organisation wants it; a list of invoices has only links."""
    if not rules.attaches or len(notices) > 1:
        return NOTHING
    return attachment_for(mailing.user, notices[0].invoice)


def _letter(
    rules: NoticeRules, mailing: NoticeMailing, notices: Sequence[Notice], result: Enclosure
) -> Letter:
    choice = choices_for(rules, [mailing.user_id]).get(mailing.user_id)
    code = language_for(rules, choice, notices[0].invoice.customer.locale)
    writer = writer_for(
        organisation=rules.organisation,
        user=mailing.user,
        code=code,
        own=own_texts(rules.organisation, code),
    )
    return writer.write(
        [Announced(invoice=each.invoice, kind=NoticeKind(each.kind)) for each in notices],
        is_attached=None if result == Enclosure.NONE else result == Enclosure.ATTACHED,
    )
