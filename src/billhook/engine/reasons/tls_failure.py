"""Reasons why no TLS connection could be made, each with what to do and where."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

EXPIRED: Final = "certificate-expired"
NOT_YET_VALID: Final = "certificate-not-yet-valid"
ISSUER_EXPIRED: Final = "issuer-expired"
UNKNOWN_AUTHORITY: Final = "unknown-authority"
OTHER_NAME: Final = "other-name"
WEAK: Final = "weak-certificate"
UNSUITABLE: Final = "unsuitable-certificate"
REVOKED: Final = "certificate-revoked"
NOT_TLS: Final = "not-tls"
WANTS_TLS: Final = "wants-tls"
OLD_TLS: Final = "old-tls"
NO_CLIENT_CERTIFICATE: Final = "no-client-certificate"
CLIENT_CERTIFICATE_REFUSED: Final = "client-certificate-refused"
HANDSHAKE_REFUSED: Final = "handshake-refused"

_DATED: Final = re.compile(r"(.+)-([0-9]{4}-[0-9]{2}-[0-9]{2})")
_RENEW: Final = "Ask the source's administrator to renew it."
_MESSAGES: Final = {
    EXPIRED: f"The source's certificate expired{{on}}. {_RENEW}",
    NOT_YET_VALID: "The source's certificate is not valid yet{on}. Ask the source's administrator "
    "for a valid one, and check the clock of this server.",
    ISSUER_EXPIRED: "A CA certificate of the source has expired. Ask the source's administrator "
    "for a new chain; if you pasted the CA certificate under Certificates, replace it.",
    UNKNOWN_AUTHORITY: "The source's certificate comes from a certificate authority (CA) that "
    "isn't known here. If it is your own, paste the CA certificate, or the source's own "
    "certificate, under Certificates (tls.ca).",
    OTHER_NAME: "The source's certificate is for another name than the host in the address. "
    "Use the name in the certificate, or ask the source's administrator to add this one.",
    WEAK: "The source's certificate uses a key or a signature that is too weak. "
    "Ask the source's administrator for a new one.",
    UNSUITABLE: "The source's certificate is not meant for a server. "
    "Ask the source's administrator for another one.",
    REVOKED: f"The source's certificate was revoked. {_RENEW}",
    NOT_TLS: "The source doesn't speak TLS on this port. Write http:// instead of https://, or the "
    "port on which it speaks TLS.",
    WANTS_TLS: "The source speaks only TLS on this port. Write https:// instead of http://.",
    OLD_TLS: "The source speaks only a version of TLS that is no longer secure. "
    "Ask the source's administrator for TLS 1.2 or 1.3.",
    NO_CLIENT_CERTIFICATE: "The source wants a client certificate, and got none. Put it into a "
    "secret and choose that under Certificates (tls.client_certificate).",
    CLIENT_CERTIFICATE_REFUSED: "The source did not accept the client certificate. Check that it "
    "hasn't expired, and that the source knows its certificate authority.",
    HANDSHAKE_REFUSED: "The source ended the TLS handshake. It may want a client certificate, or "
    "know none of the secure ciphers. Ask its administrator.",
}
DEFAULT_MESSAGE: Final = (
    "No TLS connection to the source could be made: it ended the handshake, or its certificate "
    "isn't trusted. Check the address and the port, or ask the source's administrator."
)


def dated(reason: str, day: datetime) -> str:
    """Return *reason* with a day."""
    return f"{reason}-{day:%Y-%m-%d}"


def undated(reason: str) -> str:
    """Return *reason* without its day, if it has one."""
    found = _DATED.fullmatch(reason)
    return found[1] if found else reason


def tls_message(reason: str) -> str:
    """Return the message for *reason*, or a general one."""
    found = _DATED.fullmatch(reason)
    if found is None:
        return _MESSAGES.get(reason, DEFAULT_MESSAGE).format(on="")
    word = "on" if found[1] == EXPIRED else ": only from"
    gap = " " if found[1] == EXPIRED else ""
    return _MESSAGES.get(found[1], DEFAULT_MESSAGE).format(on=f"{gap}{word} {found[2]}")
