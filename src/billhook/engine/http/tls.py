"""TLS contexts that judge the certificate of a source in the same way on every Python."""

from __future__ import annotations

import ssl
from functools import cache


def make_tls_context() -> ssl.SSLContext:
    """Return a new context that trusts the CA certificates of the system.

    From Python 3.13 on, the default refuses a CA certificate without the extensions that RFC 5280
    asks for; many CA certificates of an organisation's own have none, and their chain is as safe
    without. It also trusts a certificate that was added without the CA certificate above it, as
    people expect who add the certificate of one server.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    return context


@cache
def default_tls_context() -> ssl.SSLContext:
    """Return the context of every connection for which nothing about TLS is configured."""
    return make_tls_context()
