"""The outbox: mail is kept in the database first and then sent, so that none is lost."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.core.mail import EmailMessage
from django.db import transaction

from billhook.portal.accounts.models import User
from billhook.portal.mail.access import mail_state
from billhook.portal.mail.background import sending_background
from billhook.portal.mail.delivery import deliver_mail
from billhook.portal.mail.models import MailKind, OutgoingMail
from billhook.portal.mail.services import LASTING, keep_mail, send_mail_again
from billhook.portal.organisations.models import Organisation


@dataclass(slots=True, kw_only=True)
class PostedMail:
    """A mail on its way. ``sending`` ends after the first attempt, once that has begun."""

    mail_id: str
    sending: Future[None] | None = None

    def outcome(self, *, seconds: float) -> OutgoingMail | None:
        """Wait for the first attempt, at most *seconds*; return the mail, or None if it is sent."""
        if self.sending is not None:
            wait_for([self.sending], timeout=seconds)
        return mail_state(self.mail_id)


def post_mail(
    *,
    message: EmailMessage,
    kind: MailKind,
    user: User,
    organisation: Organisation | None = None,
    lasting: timedelta = LASTING,
) -> PostedMail:
    """Keep *message* with what else is written now, and send it in the background after that.

    It is tried again until it is sent or *lasting* is over.
    """
    mail = keep_mail(
        message=message, kind=kind, user=user, organisation=organisation, lasting=lasting
    )
    return _begin(mail)


def post_again(*, mail: OutgoingMail) -> PostedMail:
    """Send a mail that failed, in the background."""
    return _begin(send_mail_again(mail=mail))


def _begin(mail: OutgoingMail) -> PostedMail:
    posted = PostedMail(mail_id=mail.id)
    transaction.on_commit(partial(_send, posted))
    return posted


def _send(posted: PostedMail) -> None:
    posted.sending = sending_background().run(partial(deliver_mail, posted.mail_id))
