"""A test mail for the operator, and a bounce from the mail server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from billhook.server.errors import Refusal
from billhook.server.operations.installation import open_installation

if TYPE_CHECKING:
    from billhook.portal.notices.bounces.bounce import TakenBounce

_CHUNK: Final = 65_536
_NOT_SET: Final = (
    "BILLHOOK_EMAIL_URL isn't set, so mail is printed to the server's output and not sent. Set it "
    "to your mail server, such as smtp://name:password@mail.example.com:587."
)


def send(address: str, *, data_dir: Path | None) -> None:
    """Send a test mail to *address*.

    Raises:
        Refusal: with the reason, if no mail server is set, or it doesn't take the mail.
    """
    with open_installation(data_dir):
        from django.core.exceptions import ValidationError
        from django.core.validators import validate_email

        from billhook.portal.mail.check import is_mail_sent, send_test_mail
        from billhook.portal.mail.failure import MailFailed

        try:
            validate_email(address)
        except ValidationError:
            message = f"“{address}” isn't an e-mail address, such as dana@acme.com."
            raise Refusal("invalid-address", message, where="ADDRESS") from None
        if not is_mail_sent():
            raise Refusal("mail-not-set", _NOT_SET, where="BILLHOOK_EMAIL_URL")
        try:
            send_test_mail(to=address)
        except MailFailed as error:
            where = "BILLHOOK_EMAIL_URL"
            raise Refusal(error.failure.code, error.failure.message, where=where) from None


def take_bounce(read: Callable[[int], bytes], *, data_dir: Path | None) -> TakenBounce:
    """Take the message that *read* gives; the rest of a large one is read and dropped.

    Raises:
        Refusal: where the installation can't be opened, or its database fails.
    """
    with open_installation(data_dir):
        from billhook.portal.mail.returned import MOST_BYTES
        from billhook.portal.notices.bounces.bounce import take_message

        content = read(MOST_BYTES)
        while read(_CHUNK):  # a mail server that can't write takes that as a failure
            pass
        return take_message(content)
