"""The mail server that a setting names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

_SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"
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
