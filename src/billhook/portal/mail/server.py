"""The mail server and the mailbox for bounces that settings name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from billhook.portal.installation.environment_kinds import IMAP_PORTS

_SMTP: Final = "billhook.portal.mail.smtp.LimitedSmtp"
CONSOLE: Final = "billhook.portal.mail.console.EmailBackend"
_PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The settings that Django needs to send mail."""

    backend: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False

    def __repr__(self) -> str:
        return f"MailServer(host={self.host!r})"


def mail_server(url: str) -> MailServer:
    """Return the server that *url* names, as ``BILLHOOK_EMAIL_URL`` describes it."""
    if url == "console:":
        return MailServer(backend=CONSOLE)
    split = urlsplit(url)
    return MailServer(
        backend=_SMTP,
        host=split.hostname or "",
        port=split.port or _PORTS[split.scheme],
        user=unquote(split.username or ""),
        password=unquote(split.password or ""),
        starttls=split.scheme == "smtp",
        tls=split.scheme == "smtps",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAddress:
    """A folder on an IMAP server, and how to reach it."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    tls: bool
    starttls: bool

    def __repr__(self) -> str:
        return f"MailboxAddress(host={self.host!r}, port={self.port!r})"

    @property
    def place(self) -> str:
        """A name for the folder, without a secret: positions in it count for this folder alone."""
        parts = "\0".join((self.host, str(self.port), self.user, self.folder))
        return hashlib.sha256(parts.encode()).hexdigest()


def mailbox_address(url: str) -> MailboxAddress | None:
    """Return the folder that *url* names, as ``BILLHOOK_BOUNCE_MAILBOX`` describes it."""
    if not url:
        return None
    split = urlsplit(url)
    return MailboxAddress(
        host=split.hostname or "",
        port=split.port or IMAP_PORTS[split.scheme],
        user=unquote(split.username or ""),
        password=unquote(split.password or ""),
        folder=unquote(split.path.strip("/")) or "INBOX",
        tls=split.scheme == "imaps",
        starttls=split.scheme == "imap",
    )
