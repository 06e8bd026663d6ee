"""Reasons why a mail couldn't be sent, each with a sentence for the people who can fix it."""

from __future__ import annotations

import smtplib
import socket  # noqa: TID251 - for the error of a name that is unknown
import ssl
from dataclasses import dataclass
from typing import Final

from django.conf import settings

_BUSY: Final = range(400, 500)
"""Replies of a mail server that mean "later" (RFC 5321, 4.2.1)."""
_NO_REPLY: Final = -1
"""The code that smtplib gives to a line that isn't a reply of a mail server."""
_LATER: Final = (
    "The mail server {where} doesn't take this mail now{reply}. Try again in a few minutes. If it "
    "still refuses, its own log says why."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFailure:
    """A reason as a stable code, and a sentence that says what to do.

    Neither holds the address of a person, a password or the server's own text, so both may be
    logged and shown. ``is_passing`` is true where trying again later may help.
    """

    code: str
    message: str
    is_passing: bool = False

    @property
    def is_final(self) -> bool:
        """Whether this mail is refused whatever else changes.

        Other failures pass, or end when the operator has corrected the settings.
        """
        return self.code in _FINAL and not self.is_passing


_FINAL: Final = frozenset({"mail-recipient-refused", "mail-refused", "mail-invalid"})


class MailFailed(Exception):
    """A mail couldn't be sent; ``failure`` says why."""

    def __init__(self, failure: MailFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def mail_failure(error: Exception) -> MailFailure:
    """Return the reason for *error*, which smtplib or the operating system raised."""
    error = _cause_of(error)
    reason = next(reason for reason in _REASONS if isinstance(error, reason.kind))
    reply = _reply_of(error)
    if reply == _NO_REPLY:
        reason = _NO_MAIL_SERVER
    message = _LATER if reply in _BUSY else reason.message
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    return MailFailure(
        code=reason.code,
        message=message.format(where=where, reply=f" ({reply})" if reply else ""),
        is_passing=reason.is_passing or reply in _BUSY,
    )


def _cause_of(error: Exception) -> Exception:
    """Return the timeout that smtplib reports as a closed connection, or *error* itself."""
    cause = error.__context__
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(cause, TimeoutError):
        return cause
    return error


def _reply_of(error: Exception) -> int:
    match error:
        case smtplib.SMTPResponseException():
            return int(error.smtp_code)
        case smtplib.SMTPRecipientsRefused():
            return next((code for code, _ in error.recipients.values()), 0)
        case _:
            return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reason:
    kind: type[Exception]
    code: str
    message: str
    is_passing: bool = False


_NO_MAIL_SERVER: Final = _Reason(
    kind=smtplib.SMTPResponseException,
    code="mail-no-server",
    message="The server {where} doesn't respond as a mail server does. Check the host and port in "
    "BILLHOOK_EMAIL_URL.",
)
_REASONS: Final = (  # the first whose kind fits: special ones before general ones
    _Reason(
        kind=smtplib.SMTPAuthenticationError,
        code="mail-authentication",
        message="The mail server {where} refused the name and password{reply}. Correct them in "
        "BILLHOOK_EMAIL_URL.",
    ),
    _Reason(
        kind=smtplib.SMTPNotSupportedError,
        code="mail-not-supported",
        message="The mail server {where} doesn't offer STARTTLS, or no authentication that "
        "Billhook knows. In BILLHOOK_EMAIL_URL, use smtps:// for TLS from the start (port 465), "
        "or smtp+plain:// for a server on this machine.",
    ),
    _Reason(
        kind=smtplib.SMTPSenderRefused,
        code="mail-sender-refused",
        message="The mail server {where} refused the sender{reply}. Set BILLHOOK_EMAIL_FROM to an "
        "address that this server may send from.",
    ),
    _Reason(
        kind=smtplib.SMTPRecipientsRefused,
        code="mail-recipient-refused",
        message="The mail server {where} refused the recipient{reply}. Check the address. If it "
        "is right, the server doesn't let Billhook send mail there: check the name and password "
        "in BILLHOOK_EMAIL_URL.",
    ),
    _Reason(
        kind=smtplib.SMTPServerDisconnected,
        code="mail-cut-short",
        message="The mail server {where} closed the connection. Check that port and scheme in "
        "BILLHOOK_EMAIL_URL belong together: smtp:// usually has port 587, smtps:// 465.",
        is_passing=True,
    ),
    _Reason(
        kind=smtplib.SMTPException,
        code="mail-refused",
        message="The mail server {where} refused the mail{reply}. Its own log says why.",
    ),
    _Reason(
        kind=ssl.SSLCertVerificationError,
        code="mail-certificate",
        message="The certificate of the mail server {where} has expired, is for another name, or "
        "isn't signed by an authority that this machine trusts. In BILLHOOK_EMAIL_URL, use the "
        "name in the certificate; or renew the certificate.",
    ),
    _Reason(
        kind=ssl.SSLError,
        code="mail-tls",
        message="The mail server {where} doesn't speak TLS in the way that BILLHOOK_EMAIL_URL "
        "says. smtps:// means TLS from the start (usually port 465), smtp:// STARTTLS (587).",
    ),
    _Reason(
        kind=socket.gaierror,
        code="mail-host-unknown",
        message="The name of the mail server {where} can't be found. Check its spelling in "
        "BILLHOOK_EMAIL_URL, and this machine's DNS.",
        is_passing=True,
    ),
    _Reason(
        kind=TimeoutError,
        code="mail-timeout",
        message="The mail server {where} didn't respond in time. Check the host and port in "
        "BILLHOOK_EMAIL_URL, and that no firewall is in the way.",
        is_passing=True,
    ),
    _Reason(
        kind=OSError,
        code="mail-unreachable",
        message="No connection to the mail server {where} could be made. Check the host and port "
        "in BILLHOOK_EMAIL_URL, and that the server is running.",
        is_passing=True,
    ),
    _Reason(
        kind=Exception,
        code="mail-invalid",
        message="The mail can't be written: an address or the subject has a character that mail "
        "can't carry. Check BILLHOOK_EMAIL_FROM and the recipient's address.",
    ),
)
