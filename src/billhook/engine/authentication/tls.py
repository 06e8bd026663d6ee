"""A client certificate and additional CA certificates, for sources that need them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from billhook.engine.authentication.fields import compile_field
from billhook.engine.authentication.keys.key_pair import (
    UnreadableKey,
    is_pkcs12,
    read_key_pair,
    with_lines,
)
from billhook.engine.config import CommandConfig, TlsConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.field import FieldInfo
from billhook.engine.http.tls import make_tls_context
from billhook.engine.secret import Secret
from billhook.engine.tokens.text import Scope

_CERTIFICATE: Final = "tls.client_certificate"
_CA: Final = "tls.ca"
_PASSPHRASE: Final = "tls.passphrase"  # noqa: S105 - where it is in a file
_OF_PASSPHRASE: Final = frozenset({"wrong-passphrase", "unused-passphrase", "encrypted-key"})
_FIELD: Final = FieldInfo(
    key="client_certificate",
    label="The client certificate",
    help="PEM: the certificate, any intermediate certificates, and the private key.",
    kind="secret",
)
_PASSPHRASE_FIELD: Final = FieldInfo(
    key="passphrase", label="The passphrase", help="Opens the key.", kind="secret"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPlan:
    """Compiled TLS settings: the names of the secrets with certificate and passphrase, and CAs."""

    secret: str
    ca: str
    passphrase: str = ""

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it uses."""
        return frozenset(name for name in (self.secret, self.passphrase) if name)

    def bind(self, secrets: Mapping[str, Secret]) -> ssl.SSLContext:
        """Return the context for connections to the source.

        It trusts the system's CA certificates and the additional ones. Raises ConfigurationError if
        the client certificate or its key can't be used.
        """
        context = make_tls_context()
        if self.ca:
            _add_ca(context, self.ca)
        if self.secret:
            _load_certificate(context, self.client_pem(secrets))
        return context

    def client_pem(self, secrets: Mapping[str, Secret]) -> str:
        """Return the client certificate and its key as PEM; raise ConfigurationError."""
        for name, what in ((self.secret, "certificate"), (self.passphrase, "passphrase")):
            if name and name not in secrets:
                message = f"No value is stored for the secret {name}, the {what}."
                raise _error("missing-secret", message, f"tokens.{name}")
        text = with_lines(secrets[self.secret].reveal())
        passphrase = secrets[self.passphrase].reveal() if self.passphrase else ""
        if not passphrase and not is_pkcs12(text):
            _check_parts(text)
            return text
        try:
            return read_key_pair(text, passphrase).pem()
        except UnreadableKey as error:
            where = _PASSPHRASE if error.code in _OF_PASSPHRASE else _CERTIFICATE
            message = f"The client certificate can't be used. {error.reason}"
            raise _error(error.code, message, where) from None


def compile_command_tls(
    command: CommandConfig, config: TlsConfig | None, *, secrets: Iterable[str]
) -> TlsPlan | None:
    """Compile the client certificate of *command*, or return None if it has none of its own.

    The CA certificates are those of the integration, in *config*. Raises ConfigurationError.
    """
    if not command.client_certificate and not command.passphrase:
        return None
    own = TlsConfig(
        client_certificate=command.client_certificate,
        passphrase=command.passphrase,
        ca=config.ca if config else "",
    )
    try:
        return compile_tls(own, secrets=secrets)
    except ConfigurationError as error:
        found = [each for each in error.problems if each.where != _CA]  # [tls] has reported that
        here = f"commands.{command.name}."
        problems = [replace(each, where=each.where.replace("tls.", here, 1)) for each in found]
        if not problems:
            return None
        raise ConfigurationError(tuple(problems)) from None


def compile_tls(config: TlsConfig, *, secrets: Iterable[str]) -> TlsPlan:
    """Compile *config*; raise ConfigurationError with every problem in it."""
    scope = Scope(variables={}, secrets=frozenset(secrets), tokens=frozenset())
    field, problems = compile_field(_FIELD, config.client_certificate, _CERTIFICATE, scope)
    passphrase, found = compile_field(_PASSPHRASE_FIELD, config.passphrase, _PASSPHRASE, scope)
    problems = [*problems, *found]
    if config.passphrase and not config.client_certificate:
        message = "A passphrase goes with a client certificate. Choose that, too, or remove it."
        problems.append(Problem(code="misplaced-key", message=message, where=_PASSPHRASE))
    if config.ca:
        try:
            _add_ca(make_tls_context(), config.ca)
        except ConfigurationError as error:
            problems = [*problems, *error.problems]
    if field is None or passphrase is None or problems:
        raise ConfigurationError(tuple(problems))
    return TlsPlan(
        secret=next(iter(field.tokens), ""),
        passphrase=next(iter(passphrase.tokens), ""),
        ca=config.ca,
    )


def _add_ca(context: ssl.SSLContext, pem: str) -> None:
    if "PRIVATE KEY" in pem:
        message = "There is a private key among the CA certificates. Remove it: they need none."
        raise _error("private-key", message, _CA)
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError, TypeError):
        message = (
            "The CA certificates can't be read. Write them as PEM: each begins with "
            "-----BEGIN CERTIFICATE----- and ends with -----END CERTIFICATE-----."
        )
        raise _error("bad-pem", message, _CA) from None


def _load_certificate(context: ssl.SSLContext, pem: str) -> None:
    """Load the certificate from a file in memory: OpenSSL reads only files, and no disk sees it."""
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
            "The private key of the client certificate has a passphrase. Put that into a secret "
            "of its own, and choose it as passphrase."
        )
        raise _error("encrypted-key", message, _CERTIFICATE)


def _no_password() -> str:
    """Return no passphrase: otherwise OpenSSL would ask for one on the terminal."""
    return ""


def _error(code: str, message: str, where: str) -> ConfigurationError:
    return ConfigurationError((Problem(code=code, message=message, where=where),))
