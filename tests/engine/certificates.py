"""Certificates for tests: our own CA, and certificates that it or nobody signed."""

from __future__ import annotations

import base64
import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """A certificate authority that lives as long as the test."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._certificate = self._sign(self._name, self._key, is_authority=True)

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        context.load_verify_locations(cadata=pem)
        return context

    def server_context(
        self,
        folder: Path,
        *,
        address: str = "127.0.0.1",
        days: int = 7,
        begins: int = -30,
        names: Sequence[str] = (),
    ) -> ssl.SSLContext:
        """Return a server's context with a certificate for *address*, valid for *days* days.

        It is valid from so many days after today as *begins* says.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test origin")])
        certificate = self._sign(name, key, address=address, days=days, begins=begins, names=names)
        return _context(folder, certificate, key)

    @property
    def pem(self) -> str:
        """The authority's own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def client_pem(self, passphrase: bytes | None = None) -> tuple[str, str]:
        """Return a client's certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test client")])
        certificate = self._sign(name, key).public_bytes(serialization.Encoding.PEM)
        encryption = (
            serialization.BestAvailableEncryption(passphrase)
            if passphrase
            else serialization.NoEncryption()
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        return certificate.decode(), private.decode()

    def client_pkcs12(self, passphrase: str) -> str:
        """Return a client's certificate, its key and the authority's in PKCS#12, in base 64."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test client")])
        encryption = (
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption()
        )
        data = pkcs12.serialize_key_and_certificates(
            b"client", key, self._sign(name, key), [self._certificate], encryption
        )
        return base64.b64encode(data).decode()

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        address: str | None = None,
        days: int = 7,
        begins: int = -30,
        names: Sequence[str] = (),
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins * _DAY)
            .not_valid_after(now + days * _DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if address is not None:
            at = x509.IPAddress(ipaddress.ip_address(address))
            listed = x509.SubjectAlternativeName([at, *(x509.DNSName(each) for each in names)])
            builder = builder.add_extension(listed, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _context(
    folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> ssl.SSLContext:
    path = folder / "origin.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Certificates:
    """Chains as organisations have them: ``pem`` holds each certificate by its name.

    ``middle`` is an intermediate of ``root``, and signed ``leaf``; ``own`` is self-signed;
    ``old-root`` signed ``old-leaf``, both without key identifiers, which RFC 5280 asks for.
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[x509.Certificate, ec.EllipticCurvePrivateKey]] = {}
        self._make("root", is_authority=True)
        self._make("middle", issuer="root", is_authority=True)
        self._make("leaf", issuer="middle")
        self._make("own")
        self._make("old-root", is_authority=True, has_ids=False)
        self._make("old-leaf", issuer="old-root", has_ids=False)

    @property
    def pem(self) -> dict[str, str]:
        """The certificates by their names."""
        encoding = serialization.Encoding.PEM
        return {
            name: made.public_bytes(encoding).decode() for name, (made, _) in self._made.items()
        }

    def server_context(self, folder: Path, *names: str) -> ssl.SSLContext:
        """Return the context of a server that sends the certificates called *names*."""
        key = self._made[names[0]][1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = folder / "chain.pem"
        path.write_text(key.decode() + "".join(self.pem[name] for name in names))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _make(
        self, name: str, *, issuer: str = "", is_authority: bool = False, has_ids: bool = True
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        above, signing = self._made.get(issuer, (None, key))
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above.subject if above else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )
        if is_authority:
            constraints = x509.BasicConstraints(ca=True, path_length=None)
            builder = builder.add_extension(constraints, critical=has_ids)
        else:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        if has_ids:
            own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
            builder = builder.add_extension(own_id, critical=False)
            builder = builder.add_extension(issuer_id, critical=False)
        self._made[name] = (builder.sign(signing, hashes.SHA256()), key)
