"""Assertions with which an OAuth 2 client authenticates: signed JWTs (RFC 7523, section 2.2)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from billhook.engine.authentication.keys.key_pair import KeyPair
from billhook.engine.secret import Secret

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME: Final = 300
"""Seconds for which an assertion is valid: each is made for one request."""
AUTOMATIC: Final = "automatic"
KEY_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
SECRET_ALGORITHMS: Final = ("HS256", "HS384", "HS512")
_BY_CURVE: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class UnfitAlgorithm(Exception):
    """A key with which the algorithm can't sign."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClientAssertion:
    """The key of a client, and the facts that its assertions state."""

    key: KeyPair | Secret
    algorithm: str
    client_id: str
    audience: str
    key_id: str = ""
    scope: str = ""

    def make(self) -> str:
        """Return a new assertion. Its id is used once."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": str(uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
        }
        if self.scope:
            claims["scope"] = self.scope.split()  # NetSuite looks for it here
        key: Any = self.key.reveal() if isinstance(self.key, Secret) else self.key.key
        return jwt.encode(claims, key, algorithm=self.algorithm, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        headers = {"kid": self.key_id} if self.key_id else {}
        own = self.key.own if isinstance(self.key, KeyPair) else None
        if own is not None:  # RFC 7515, 4.1.7 and 4.1.8: Microsoft finds the key by it
            headers["x5t"] = _thumbprint(own.fingerprint(hashes.SHA1()))  # noqa: S303 - no secret
            headers["x5t#S256"] = _thumbprint(own.fingerprint(hashes.SHA256()))
        return headers


def _thumbprint(digest: bytes) -> str:
    return jwt.utils.base64url_encode(digest).decode()


def algorithm_for(key: PrivateKeyTypes, wanted: str) -> str:
    """Return the algorithm *wanted*, or the usual one of *key*; raise UnfitAlgorithm."""
    family, usual = _family(key)
    if wanted == AUTOMATIC:
        return usual
    if wanted not in family:
        raise UnfitAlgorithm
    return wanted


def _family(key: PrivateKeyTypes) -> tuple[tuple[str, ...], str]:
    if isinstance(key, rsa.RSAPrivateKey):
        return KEY_ALGORITHMS[:6], "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _BY_CURVE:
        usual = _BY_CURVE[key.curve.name]
        return (usual,), usual
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return ("EdDSA",), "EdDSA"
    raise UnfitAlgorithm
