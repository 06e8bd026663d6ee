"""Checks of the mail server and of the mailbox for bounces. No mail is sent or read."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Final

from django.conf import settings

from billhook.portal.installation import environment
from billhook.portal.mail.check import check_mail_server, is_mail_sent
from billhook.portal.mail.failure import MailFailed
from billhook.portal.mail.imap import open_mailbox
from billhook.portal.mail.server import MailboxAddress, mailbox_address
from billhook.server.doctor.finding import Finding, Findings

_SECONDS: Final = 10.0
_HOW_TO_TRY: Final = "`billhook mail test ADDRESS` sends a test mail."


def check_mail() -> Iterator[Finding]:
    """Connect to the mail server and authenticate."""
    findings = Findings(check="mail")
    if not is_mail_sent():
        yield findings.warning(
            "mail-not-set",
            "BILLHOOK_EMAIL_URL isn't set, so mail is printed to the server's output instead of "
            "sent: nobody gets a code to sign in, or an invitation. Set it to your mail server, "
            "such as smtp://name:password@mail.example.com:587.",
        )
        return
    yield from _sender(findings)
    yield from _encryption(findings)
    try:
        check_mail_server()
    except MailFailed as error:
        yield findings.broken(error.failure.code, error.failure.message)
    else:
        where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        yield findings.ok(f"The mail server {where} takes mail. {_HOW_TO_TRY}")


def _sender(findings: Findings) -> Iterator[Finding]:
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if address.endswith("@localhost"):
        yield findings.warning(
            "mail-sender",
            f"Mail is sent as {address}, which most servers refuse or treat as spam. Set "
            "BILLHOOK_EMAIL_FROM, such as Acme invoices <invoices@acme.example>.",
        )


def _encryption(findings: Findings) -> Iterator[Finding]:
    if settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL or _is_this_machine(settings.EMAIL_HOST):
        return
    yield findings.warning(
        "mail-unencrypted",
        f"Mail, and with it the codes that sign people in, goes to {settings.EMAIL_HOST} without "
        "TLS. In BILLHOOK_EMAIL_URL, use smtp:// (STARTTLS) or smtps:// instead of smtp+plain://.",
    )


def check_bounces() -> Iterator[Finding]:
    """Open the mailbox for bounces, where one is set."""
    findings = Findings(check="bounces")
    address = mailbox_address(environment.current().bounce_mailbox)
    if address is None:
        yield findings.ok(
            "No mailbox for bounces is set, so notices that come back later are shown only if the "
            "mail server gives them to `billhook mail bounce`."
        )
        return
    yield from _encryption_of(findings, address)
    try:
        with open_mailbox(address, wait_seconds=_SECONDS, seconds=2 * _SECONDS):
            yield findings.ok(f"The mailbox for bounces on {address.host}:{address.port} opens.")
    except MailFailed as error:
        yield findings.broken(error.failure.code, error.failure.message)


def _encryption_of(findings: Findings, address: MailboxAddress) -> Iterator[Finding]:
    if address.tls or address.starttls or _is_this_machine(address.host):
        return
    yield findings.warning(
        "bounces-unencrypted",
        f"The password of the mailbox for bounces goes to {address.host} without TLS. In "
        "BILLHOOK_BOUNCE_MAILBOX, use imaps:// or imap:// (STARTTLS) instead of imap+plain://.",
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
