"""The time until which an integration's client certificate is valid."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography import x509

from billhook.engine.authentication.tls import compile_tls
from billhook.engine.config import TlsConfig
from billhook.engine.errors import ConfigurationError
from billhook.portal.integrations.crypto import KeyRingError, SecretUnreadableError
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.vault import decrypt_secret, key_ring

_MOST_KNOWN: Final = 10_000
_known: dict[tuple[str, int], datetime | None] = {}


def certificate_valid_until(integration: Integration) -> datetime | None:
    """Return when the client certificate of *integration*, or one above it, expires first.

    None where it has none, or none that can be read: the editor says that. It is read once for
    each version of an integration.
    """
    key = integration.id, integration.version
    found = _known.get(key) or _read(integration)
    if found is not None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = found
    return found


def _read(integration: Integration) -> datetime | None:
    pem = _certificate_of(integration)
    if pem is None:
        return None
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return None
    return min(certificate.not_valid_after_utc for certificate in certificates)


def _certificate_of(integration: Integration) -> str | None:
    if not integration.tls:
        return None
    rows = {row.name: row for row in integration.stored_secrets.all()}
    try:
        plan = compile_tls(TlsConfig(**integration.tls), secrets=rows)
        if not plan.secret:
            return None
        names = [name for name in plan.secrets if name in rows]
        return plan.client_pem(
            {name: decrypt_secret(rows[name], ring=key_ring()) for name in names}
        )
    except (ConfigurationError, SecretUnreadableError, KeyRingError):
        return None
