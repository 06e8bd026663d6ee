"""A real mail server on loopback that keeps each mail it takes."""

from __future__ import annotations

import email
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class MailCatcher:
    """Takes mail, except for addresses in ``refused``."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.senders: list[str] = []
        self.refused: set[str] = set()
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.raw.append(content)
        self.senders.append(str(envelope.mail_from))
        self.mails.append(mail)
        return "250 taken"

    @property
    def seen(self) -> Counter[tuple[str, str]]:
        """The number of times that each person got each subject."""
        return Counter((str(mail["To"]), str(mail["Subject"])) for mail in self.mails)


class _OnAnyPort(Controller):
    """A controller that lets the system choose the port."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_catcher() -> Iterator[MailCatcher]:
    """Run a mail server for the block."""
    catcher = MailCatcher()
    controller = _OnAnyPort(catcher, hostname="127.0.0.1", port=0)
    controller.start()
    catcher.port = controller.port
    try:
        yield catcher
    finally:
        controller.stop()
