"""A client certificate and additional CA certificates, for sources that need them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from billhook.engine.authentication.fields import compile_field
from billhook.engine.config import TlsConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.field import FieldInfo
from billhook.engine.http.tls import make_tls_context
from billhook.engine.secret import Secret
from billhook.engine.tokens.text import Scope

_CERTIFICATE: Final = "tls.client_certificate"
_CA: Final = "tls.ca"
_FIELD: Final = FieldInfo(
    key="client_certificate",
    label="The client certificate",
    help="PEM: the certificate, any intermediate certificates, and the private key.",
    kind="secret",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPlan:
    """Compiled TLS settings: the name of the secret with the certificate, and CA certificates."""

    secret: str
    ca: str

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it uses."""
        return frozenset({self.secret} if self.secret else ())

    def bind(self, secrets: Mapping[str, Secret]) -> ssl.SSLContext:
        """Return the context for connections to the source.

        It trusts the system's CA certificates and the additional ones. Raises ConfigurationError if
        the client certificate or its key can't be used.
        """
        context = make_tls_context()
        if self.ca:
            _add_ca(context, self.ca)
        if self.secret:
            if self.secret not in secrets:
                message = f"No value is stored for the secret {self.secret}, the certificate."
                raise _error("missing-secret", message, f"tokens.{self.secret}")
            _load_certificate(context, secrets[self.secret].reveal())
        return context


def compile_tls(config: TlsConfig, *, secrets: Iterable[str]) -> TlsPlan:
    """Compile *config*; raise ConfigurationError with every problem in it."""
    scope = Scope(variables={}, secrets=frozenset(secrets), tokens=frozenset())
    field, problems = compile_field(_FIELD, config.client_certificate, _CERTIFICATE, scope)
    if config.ca:
        try:
            _add_ca(make_tls_context(), config.ca)
        except ConfigurationError as error:
            problems = [*problems, *error.problems]
    if field is None or problems:
        raise ConfigurationError(tuple(problems))
    return TlsPlan(secret=next(iter(field.tokens), ""), ca=config.ca)


def _add_ca(context: ssl.SSLContext, pem: str) -> None:
    if "PRIVATE KEY" in pem:
        message = "There is a private key among the CA certificates. Remove it: they need none."
        raise _error("private-key", message, _CA)
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        message = (
            "The CA certificates can't be read. Write them as PEM: each begins with "
            "-----BEGIN CERTIFICATE----- and ends with -----END CERTIFICATE-----."
        )
        raise _error("bad-pem", message, _CA) from None


def _load_certificate(context: ssl.SSLContext, pem: str) -> None:
    """Load the certificate from a file in memory: OpenSSL reads only files, and no disk sees it."""
    _check_parts(pem)
    descriptor = os.memfd_create("certificate")
    try:
        with os.fdopen(os.dup(descriptor), "w", encoding="ascii") as file:
            file.write(pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
    except (ssl.SSLError, ValueError):
        message = (
            "The client certificate and its key can't be used. Check that the key belongs to the "
            "first certificate, and that both are complete."
        )
        raise _error("bad-pem", message, _CERTIFICATE) from None
    finally:
        os.close(descriptor)


def _check_parts(pem: str) -> None:
    """Report missing parts in plain words, unlike OpenSSL's errors."""
    missing = [
        name
        for name, mark in (
            ("certificate (-----BEGIN CERTIFICATE-----)", "-----BEGIN CERTIFICATE-----"),
            ("private key (-----BEGIN PRIVATE KEY-----)", "PRIVATE KEY-----"),
        )
        if mark not in pem
    ]
    if missing or not pem.isascii():
        message = (
            f"The secret with the client certificate holds no {' and no '.join(missing)}. "
            if missing
            else "The secret with the client certificate isn't PEM. "
        )
        raise _error("bad-pem", f"{message}Paste both into it, one after the other.", _CERTIFICATE)
    if "ENCRYPTED" in pem:
        message = (
            "The private key of the client certificate has a passphrase. Remove it first "
            "(openssl pkey -in key.pem -out open.pem); as a secret the key is encrypted anyway."
        )
        raise _error("encrypted-key", message, _CERTIFICATE)


def _no_password() -> str:
    """Return no passphrase: otherwise OpenSSL would ask for one on the terminal."""
    return ""


def _error(code: str, message: str, where: str) -> ConfigurationError:
    return ConfigurationError((Problem(code=code, message=message, where=where),))
