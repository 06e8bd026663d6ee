"""Reasons why the mailbox for bounces couldn't be read, each with a sentence for the operator."""

from __future__ import annotations

import imaplib
import socket  # noqa: TID251 - for the error of a name that is unknown
import ssl
from typing import Final

from billhook.portal.mail.failure import MailFailed, MailFailure
from billhook.portal.mail.server import MailboxAddress


class LoginRefused(Exception):
    """The server refused the name or the password."""


_CODES: Final = (  # the first whose kind fits: special ones before general ones
    (LoginRefused, "bounces-authentication"),
    (imaplib.IMAP4.readonly, "bounces-refused"),
    (imaplib.IMAP4.abort, "bounces-cut-short"),
    (imaplib.IMAP4.error, "bounces-refused"),
    (ssl.SSLCertVerificationError, "bounces-certificate"),
    (ssl.SSLError, "bounces-tls"),
    (socket.gaierror, "bounces-host-unknown"),
    (TimeoutError, "bounces-timeout"),
    (Exception, "bounces-unreachable"),
)
_MESSAGES: Final = {
    "bounces-authentication": "The mail server {where} refused the name and password. Correct them "
    "in BILLHOOK_BOUNCE_MAILBOX. Some providers want a password for apps, or have IMAP switched "
    "on first.",
    "bounces-refused": "The mail server {where} doesn't open the folder {folder} for changes, or "
    "offers no STARTTLS. Check folder and scheme in BILLHOOK_BOUNCE_MAILBOX, and the rights of its "
    "user.",
    "bounces-cut-short": "The mail server {where} closed the connection, or doesn't respond as an "
    "IMAP server does. Check that port and scheme in BILLHOOK_BOUNCE_MAILBOX belong together: "
    "imaps:// usually has port 993, imap:// 143.",
    "bounces-certificate": "The certificate of the mail server {where} has expired, is for another "
    "name, or isn't signed by an authority that this machine trusts. In BILLHOOK_BOUNCE_MAILBOX, "
    "use the name in the certificate; or renew the certificate.",
    "bounces-tls": "The mail server {where} doesn't speak TLS in the way that "
    "BILLHOOK_BOUNCE_MAILBOX says. imaps:// means TLS from the start (usually port 993), imap:// "
    "STARTTLS (143).",
    "bounces-host-unknown": "The name of the mail server {where} can't be found. Check its "
    "spelling in BILLHOOK_BOUNCE_MAILBOX, and this machine's DNS.",
    "bounces-timeout": "The mail server {where} didn't respond in time. Check host, port and "
    "scheme in BILLHOOK_BOUNCE_MAILBOX (imaps:// usually has port 993, imap:// 143), and that no "
    "firewall is in the way.",
    "bounces-unreachable": "No connection to the mail server {where} could be made. Check the host "
    "and port in BILLHOOK_BOUNCE_MAILBOX, and that the server is running.",
}


def mailbox_failure(error: Exception, address: MailboxAddress) -> MailFailed:
    """Return the reason for *error*, without the server's own text, which may repeat a password."""
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    where = f"{address.host}:{address.port}"
    message = _MESSAGES[code].format(where=where, folder=address.folder)
    return MailFailed(MailFailure(code=code, message=message))
