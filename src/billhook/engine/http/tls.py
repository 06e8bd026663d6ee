"""TLS contexts that judge a source's certificate in the same way on every Python, and its end."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime
from functools import cache
from typing import Final

_SOON: Final = 14 * 86_400
_LAST_PART: Final = 0.2
"""The part of a certificate's time in which one that is renewed automatically has been renewed."""


def make_client_context() -> ssl.SSLContext:
    """Return a new context, of any protocol, that trusts the CA certificates of the system.

    From Python 3.13 on, the default refuses a CA certificate without the extensions that RFC 5280
    asks for; many CA certificates of an organisation's own have none, and their chain is as safe
    without. It also trusts a certificate that was added without the CA certificate above it, as
    people expect who add the certificate of one server.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def make_tls_context() -> ssl.SSLContext:
    """Return a :func:`make_client_context` for HTTP."""
    context = make_client_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@cache
def default_tls_context() -> ssl.SSLContext:
    """Return the context of every connection for which nothing about TLS is configured."""
    return make_tls_context()


def end_of_certificate(tls: ssl.SSLObject | None) -> str:
    """Return the day on which the certificate of the other side ends, if that is soon, or nothing.

    Soon is within 14 days; for certificates of a few weeks, in the last fifth of their time.
    """
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate:  # there is none, or nobody judged it
        return ""
    begins, ends = (
        ssl.cert_time_to_seconds(str(certificate[key])) for key in ("notBefore", "notAfter")
    )
    if ends - time.time() > min(_SOON, (ends - begins) * _LAST_PART):
        return ""
    return datetime.fromtimestamp(ends, UTC).date().isoformat()
