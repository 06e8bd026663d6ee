"""A private key with its certificates, as people have them: PEM, or a PKCS#12 file in base 64."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

_KEY: Final = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.+?-----END (?P=kind)-----", re.DOTALL
)
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-:]*)-----END \1-----")
_PKCS12: Final = b"\x30"
"""The first byte of a PKCS#12 file: a SEQUENCE of ASN.1."""
_WIDTH: Final = 64
_ENCODING: Final = serialization.Encoding.PEM


class UnreadableKey(Exception):
    """A secret that holds no usable key. *reason* is a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeyPair:
    """A private key, and its certificates: its own first, then those above it."""

    key: PrivateKeyTypes
    certificates: tuple[x509.Certificate, ...] = ()

    def pem(self) -> str:
        """Return certificates and key as PEM, without a passphrase."""
        key = self.key.private_bytes(
            _ENCODING, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificates = (each.public_bytes(_ENCODING) for each in self.certificates)
        return b"".join([*certificates, key]).decode()

    @property
    def own(self) -> x509.Certificate | None:
        """The certificate of the key, if it is there."""
        return self.certificates[0] if self.certificates else None


def read_key_pair(text: str, passphrase: str = "") -> KeyPair:
    """Return the key in *text*, with its certificates, if there are any.

    Raises UnreadableKey where it is neither PEM nor PKCS#12, or *passphrase* is wrong or missing.
    """
    if "-----BEGIN" in text:
        return _read_pem(with_lines(text), passphrase)
    return _read_pkcs12(text, passphrase)


def with_lines(text: str) -> str:
    """Return PEM with its line breaks, which are lost where it is pasted into a single line."""
    return _BLOCK.sub(_wrap, text)


def _wrap(block: re.Match[str]) -> str:
    data = "".join(block[2].split())
    lines = [data[start : start + _WIDTH] for start in range(0, len(data), _WIDTH)]
    return "\n".join([f"\n-----BEGIN {block[1]}-----", *lines, f"-----END {block[1]}-----\n"])


def is_pkcs12(text: str) -> bool:
    """Return whether *text* is base 64 of what may be a PKCS#12 file."""
    return "-----BEGIN" not in text and (_decoded(text) or b"").startswith(_PKCS12)


def _read_pem(text: str, passphrase: str) -> KeyPair:
    found = _KEY.search(text)
    if found is None:
        raise UnreadableKey("bad-pem", "It holds no private key (-----BEGIN PRIVATE KEY-----).")
    try:
        key = serialization.load_pem_private_key(
            found[0].encode(), passphrase.encode() if passphrase else None
        )
        certificates = x509.load_pem_x509_certificates(text.encode()) if "CERT" in text else []
    except TypeError:
        raise _passphrase_problem(is_given=bool(passphrase)) from None
    except (ValueError, UnsupportedAlgorithm):
        if passphrase:
            raise _wrong_passphrase() from None
        raise UnreadableKey("bad-pem", "Its private key or certificate is incomplete.") from None
    return _sorted(key, certificates)


def _passphrase_problem(*, is_given: bool) -> UnreadableKey:
    if is_given:
        return UnreadableKey(
            "unused-passphrase", "Its private key has no passphrase. Remove the passphrase."
        )
    return UnreadableKey(
        "encrypted-key",
        "Its private key has a passphrase. Put that into a secret of its own, and choose it.",
    )


def _wrong_passphrase() -> UnreadableKey:
    return UnreadableKey("wrong-passphrase", "The passphrase doesn't open it. Type it again.")


def _read_pkcs12(text: str, passphrase: str) -> KeyPair:
    data = _decoded(text)
    if data is None or not data.startswith(_PKCS12):
        raise UnreadableKey(
            "bad-pem",
            "It is neither PEM nor a PKCS#12 file in base 64 (base64 -w0 file.p12).",
        )
    for password in (passphrase.encode(),) if passphrase else (None, b""):
        try:
            key, own, above = pkcs12.load_key_and_certificates(data, password)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if key is None:
            raise UnreadableKey("bad-pem", "The PKCS#12 file holds no private key.")
        return _sorted(key, [*([own] if own else []), *above])
    if passphrase:
        raise _wrong_passphrase()
    raise UnreadableKey(
        "encrypted-key",
        "The PKCS#12 file has a passphrase, or can't be read. Put the passphrase into a secret of "
        "its own, and choose it.",
    )


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return None


def _sorted(key: PrivateKeyTypes, certificates: list[x509.Certificate]) -> KeyPair:
    """Return the pair with the key's own certificate first; without one, it has none at all."""
    own = [each for each in certificates if each.public_key() == key.public_key()]
    if not own:
        return KeyPair(key=key)
    others = tuple(each for each in certificates if each is not own[0])
    return KeyPair(key=key, certificates=(own[0], *others))
