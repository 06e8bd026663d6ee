"""One connection to the mail server for many mails of a turn."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formataddr, parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from billhook.portal.installation import environment
from billhook.portal.mail.failure import MailFailed, mail_failure
from billhook.portal.mail.smtp import LimitedSmtp
from billhook.portal.notices.bounces.mark import mark_of
from billhook.portal.notices.letter import Letter
from billhook.portal.organisations.models import Organisation

MAIL_SHARE: Final = 0.1
"""The share of a job's lease that each step towards the mail server may take: 6 seconds of 60."""
_OK: Final = 250
_LONGEST_LINE: Final = 900


class NoticeMessage(EmailMultiAlternatives):
    """A message whose link for stopping mail is on one line.

    A folded one is allowed, but not every mail program finds the address in it.
    """

    def message(self, **more: Any) -> Any:
        """Return the message with headers that are folded later than usual (RFC 5322, 2.1.1)."""
        written = super().message(**more)
        written.policy = written.policy.clone(max_line_length=_LONGEST_LINE)
        return written


class Mailer:
    """Sends mail, and connects again where the server has hung up between two mails."""

    def __init__(self, connection: BaseEmailBackend) -> None:
        self._connection = connection

    def get_ready(self) -> None:
        """Connect, unless the connection is there and alive.

        Raises:
            MailFailed: with the reason, if that isn't possible.
        """
        client = getattr(self._connection, "connection", None)
        if client is not None and not _is_alive(client):
            self._connection.close()
        with _reasons():
            self._connection.open()

    def send(self, message: EmailMultiAlternatives) -> None:
        """Send *message*.

        Raises:
            MailFailed: with the reason, if the mail server didn't take it.
        """
        with _reasons():
            self._connection.send_messages([message])


@contextmanager
def open_mailer() -> Iterator[Mailer]:
    """Give a mailer, whose connection is closed after that."""
    connection = get_connection()
    if isinstance(connection, LimitedSmtp):
        seconds = environment.current().job_lease_seconds * MAIL_SHARE
        connection.conversation_seconds = connection.timeout = seconds
    try:
        yield Mailer(connection)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            connection.close()


def message_of(
    letter: Letter, *, organisation: Organisation, to: str, mailing_id: str
) -> NoticeMessage:
    """Return the message with *letter*: from the organisation's name, and easy to stop.

    Its Message-ID is the same at each attempt, so that mail systems recognise a second one. Some
    mail services write another one; a bounce is then recognised by the mark in the other header.
    """
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    installation, mark = environment.current(), mark_of(mailing_id)
    message = NoticeMessage(
        subject=letter.subject,
        body=letter.text,
        from_email=installation.bounce_address.replace("*", mark) or address,
        to=[to],
        reply_to=[organisation.support_email] if organisation.support_email else None,
        headers={
            "From": formataddr((" ".join(organisation.name.split()), address)),
            "Message-ID": f"<notices.{mark}@{installation.host}>",
            "X-Billhook-Notice": mark,
            "List-Unsubscribe": f"<{letter.stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(letter.html, "text/html")
    return message


def _is_alive(client: Any) -> bool:
    try:
        return bool(client.rset()[0] == _OK)
    except (OSError, smtplib.SMTPException):
        return False


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn every error into a reason."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever is raised on the way there is a reason
        raise MailFailed(mail_failure(error)) from None
