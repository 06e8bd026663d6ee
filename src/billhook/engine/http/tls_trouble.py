"""Diagnosis of a TLS connection that failed: from the error, and from the certificate itself."""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import UTC, datetime
from functools import cache
from typing import Final

from aiohttp.client_exceptions import ClientConnectorCertificateError, ClientError

from billhook.engine.body import Body
from billhook.engine.egress.url import Origin
from billhook.engine.errors import BillhookError, SourceTlsFailed
from billhook.engine.http.pool import Pool
from billhook.engine.http.site import Dial, Site
from billhook.engine.http.trace import Progress
from billhook.engine.reasons.tls_failure import (
    CLIENT_CERTIFICATE_REFUSED,
    EXPIRED,
    HANDSHAKE_REFUSED,
    ISSUER_EXPIRED,
    NO_CLIENT_CERTIFICATE,
    NOT_TLS,
    NOT_YET_VALID,
    OLD_TLS,
    OTHER_NAME,
    REVOKED,
    UNKNOWN_AUTHORITY,
    UNSUITABLE,
    WANTS_TLS,
    WEAK,
    dated,
)

_LONGEST_LOOK: Final = 5.0
"""Seconds for a second handshake, in which only the certificate is looked at."""
_VERIFY_CODES: Final = {
    2: UNKNOWN_AUTHORITY,
    7: UNKNOWN_AUTHORITY,
    9: NOT_YET_VALID,
    10: EXPIRED,
    18: UNKNOWN_AUTHORITY,
    19: UNKNOWN_AUTHORITY,
    20: UNKNOWN_AUTHORITY,
    21: UNKNOWN_AUTHORITY,
    23: REVOKED,
    26: UNSUITABLE,
    62: OTHER_NAME,
    64: OTHER_NAME,
    66: WEAK,
    67: WEAK,
    68: WEAK,
}
"""Results of OpenSSL's verification (x509_vfy.h)."""
_REASONS: Final = (
    (re.compile("WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|RECORD_LAYER"), NOT_TLS),
    (re.compile("ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS"), OLD_TLS),
    (re.compile("ALERT_CERTIFICATE_REQUIRED"), NO_CLIENT_CERTIFICATE),
    (
        re.compile("ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERT|ACCESS)"),
        CLIENT_CERTIFICATE_REFUSED,
    ),
    (re.compile("ALERT_UNRECOGNIZED_NAME|TLSV1_UNRECOGNIZED_NAME"), OTHER_NAME),
    (re.compile("DH_KEY_TOO_SMALL|KEY_TOO_SMALL|MD_TOO_WEAK|WRONG_SIGNATURE"), WEAK),
    (re.compile("ALERT"), HANDSHAKE_REFUSED),
)
"""Patterns of OpenSSL's reasons; the first one that matches counts."""
_WANTS_TLS: Final = re.compile(
    rb"plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled"
    rb"|HTTP request to an HTTPS server|requires TLS"
)
_WANTS_CERTIFICATE: Final = re.compile(
    rb"No required SSL certificate was sent|SSL client certificate is required"
)
_STATUSES: Final = frozenset({400, 403, 495, 496, 497})
"""Statuses with which servers report the wrong protocol or a missing certificate."""
_TLS_ALERT: Final = b"\x15\x03"


def tls_failure(error: Exception) -> SourceTlsFailed:
    """Return the error for *error*, with which a handshake or a connection failed."""
    if isinstance(error, ClientConnectorCertificateError):
        error = error.certificate_error
    if isinstance(error, ssl.SSLCertVerificationError):
        return SourceTlsFailed(_VERIFY_CODES.get(error.verify_code, ""))
    return SourceTlsFailed(alert_reason(error))


def alert_reason(error: BaseException | None) -> str:
    """Return the reason in an error of OpenSSL, or nothing if there is none."""
    reason = ""
    while error is not None and not reason:
        reason = (
            str(getattr(error, "reason", None) or "") if isinstance(error, ssl.SSLError) else ""
        )
        error = getattr(error, "os_error", None) or error.__cause__
    return next((found for pattern, found in _REASONS if pattern.search(reason)), "")


def is_tls_alert(beginning: bytes) -> bool:
    """Return whether a response begins as TLS does, which speaks no HTTP."""
    return beginning.startswith(_TLS_ALERT)


def look_at_page(status: int, body: Body) -> None:
    """Raise SourceTlsFailed if a page of the server says that TLS is used wrongly."""
    if status not in _STATUSES:
        return
    page = body.read()
    if _WANTS_TLS.search(page):
        raise SourceTlsFailed(WANTS_TLS)
    if _WANTS_CERTIFICATE.search(page):
        raise SourceTlsFailed(NO_CLIENT_CERTIFICATE)


async def with_day(failure: SourceTlsFailed, dial: Dial, pool: Pool) -> SourceTlsFailed:
    """Return *failure* with the day on which the certificate expired or becomes valid."""
    if failure.reason not in {EXPIRED, NOT_YET_VALID}:
        return failure
    encoded = await look_at_certificate(dial, pool)
    days = _days_of(encoded) if encoded else None
    if days is None:
        return failure
    begins, ends = days
    if failure.reason == NOT_YET_VALID:
        return SourceTlsFailed(dated(NOT_YET_VALID, begins))
    is_own = ends < datetime.now(UTC)
    return SourceTlsFailed(dated(EXPIRED, ends) if is_own else ISSUER_EXPIRED)


async def look_at_certificate(dial: Dial, pool: Pool) -> bytes | None:
    """Return the certificate at the place of *dial*, unverified, or None if TLS isn't spoken.

    Nothing is sent over this connection, which is judged and limited like any other.
    """
    origin = Origin(scheme="https", host=dial.site.host, port=dial.site.port)
    at = dial.site
    site = Site(origin, context=_unverifying(), policy=at.policy, proxy=at.proxy)
    probe = Dial(site, limits=dial.limits, progress=Progress("", ""), may_reuse=False)
    try:
        async with asyncio.timeout(_LONGEST_LOOK):
            connection, wire = await pool.open(probe)
    except (ClientError, OSError, BillhookError):
        return None
    try:
        tls = wire.transport.get_extra_info("ssl_object") if wire.transport else None
        certificate: bytes | None = tls.getpeercert(binary_form=True) if tls else None
        return certificate
    finally:
        connection.close()


@cache
def _unverifying() -> ssl.SSLContext:
    """Return a context that accepts any certificate: for looking at it, never for a request."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _days_of(encoded: bytes) -> tuple[datetime, datetime] | None:
    from cryptography import x509  # needed only after a failure

    try:
        certificate = x509.load_der_x509_certificate(encoded)
    except ValueError:
        return None
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
