"""Checks of the mail server: a connection without a mail, and a test mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from billhook.portal.mail.failure import MailFailed, mail_failure
from billhook.portal.mail.server import CONSOLE

_SUBJECT: Final = "Test mail from Billhook"
_BODY: Final = """\
This is a test mail from Billhook at {public_url}.

If you can read it, Billhook can send mail. There is nothing to do.
"""


def is_mail_sent() -> bool:
    """Return whether mail is sent; without ``BILLHOOK_EMAIL_URL`` it is printed."""
    return settings.EMAIL_BACKEND != CONSOLE


def send_test_mail(*, to: str) -> None:
    """Send a test mail to *to*, or print it where no mail server is set, and wait for the result.

    Raises:
        MailFailed: with the reason, if the mail server didn't take it.
    """
    body = _BODY.format(public_url=settings.PUBLIC_URL)
    with _connection() as connection:
        EmailMessage(subject=_SUBJECT, body=body, to=[to], connection=connection).send()


def check_mail_server() -> None:
    """Connect to the mail server and authenticate as for a mail, but send none.

    Raises:
        MailFailed: with the reason, if that isn't possible.
    """
    with _connection() as connection:
        connection.open()


@contextmanager
def _connection() -> Iterator[BaseEmailBackend]:
    """Give a connection that is closed whatever happens, and turn every error into a reason."""
    connection = get_connection()
    try:
        yield connection
    except Exception as error:  # noqa: BLE001 - whatever is raised on the way there is a reason
        raise MailFailed(mail_failure(error)) from None
    finally:
        with suppress(OSError):
            connection.close()
