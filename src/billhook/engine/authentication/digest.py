"""HTTP Digest: each request proves that it knows the password, without sending it (RFC 7616)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from billhook.engine.authentication.authenticator import Channel, SignedRequest
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.egress.url import Origin
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.http.request import WebRequest
from billhook.engine.reasons.challenge import Challenge, read_challenges, read_parameters
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response

Hash = Callable[[bytes], str]

_UNAUTHORIZED: Final = 401
_NO_CHALLENGE: Final = object()
"""The credential of a request that was sent to get a challenge."""
_DIGESTS: Final = {
    "MD5": "md5",
    "SHA-256": "sha256",
    "SHA-512-256": "sha512_256",
    "SHA-512": "sha512",
    "SHA": "sha1",
}
"""The registered algorithms, and two that some servers use; each also with ``-sess``."""
_SESSION: Final = "-SESS"


@dataclass(slots=True, kw_only=True)
class ProtectionSpace:
    """The latest challenge of one origin, and how many requests have used its nonce."""

    realm: str
    nonce: str
    algorithm: str
    qop: str
    hash: Hash
    opaque: str | None
    hashes_username: bool
    is_utf8: bool
    used: int = 0
    client_nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def is_session(self) -> bool:
        """Whether the first hash holds the nonces, too."""
        return self.algorithm.upper().endswith(_SESSION)


class DigestAuthenticator:
    """Signs with the latest challenge of a source, and gets one with the first request."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password
        self._spaces: dict[Origin, ProtectionSpace | None] = {}

    async def sign(
        self,
        request: WebRequest,
        channel: Channel,  # noqa: ARG002 - as every authenticator
        *,
        refused: object | None = None,  # noqa: ARG002 - a refusal brings a new challenge
    ) -> SignedRequest:
        """Return *request* signed; the first one to an origin goes unsigned, for a challenge."""
        space = self._spaces.setdefault(request.origin, None)
        if space is None:
            return SignedRequest(replace(request, carries_secret=True), _NO_CHALLENGE)
        return SignedRequest(self._signed(request), space)

    def _signed(self, request: WebRequest) -> WebRequest:
        space = self._spaces[request.origin]
        assert space is not None  # noqa: S101 - it is never taken back; for mypy
        value = authorization(space, request, self._username, self._password)
        return replace(with_header(request, "Authorization", value), sign_again=self._signed)

    async def is_refusal(
        self,
        response: Response,
        channel: Channel,  # noqa: ARG002 - as every authenticator
    ) -> bool:
        """Return whether *response* has a challenge for another attempt, and keep that.

        Raises AuthenticationFailed if it wants a kind of Digest that isn't known.
        """
        if response.origin not in self._spaces:
            return False
        if response.status != _UNAUTHORIZED:
            self._take_next_nonce(response)
            return False
        offered = [each for each in read_challenges(response.headers) if each.scheme == "digest"]
        usable = [space for each in offered if (space := read_space(each)) is not None]
        if offered and not usable:
            response.body.close()
            raise AuthenticationFailed(
                "The source wants a kind of HTTP Digest that Billhook doesn't know. Ask its "
                "administrator for the algorithm MD5 or SHA-256."
            )
        if usable:
            self._spaces[response.origin] = usable[0]
        return bool(usable)

    def _take_next_nonce(self, response: Response) -> None:
        """Use the nonce that a response announces for the next request (RFC 7616, 3.5)."""
        space = self._spaces[response.origin]
        for name, value in response.headers:
            if name.lower() == "authentication-info" and space is not None:
                nonce = read_parameters(value).get("nextnonce")
                if nonce:
                    self._spaces[response.origin] = replace(space, nonce=nonce, used=0)

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """Nothing: the password isn't sent."""
        return ()

    async def close(self) -> None:
        """Do nothing."""


def read_space(challenge: Challenge) -> ProtectionSpace | None:
    """Return what *challenge* asks for, or None if it can't be met (RFC 7616, 3.3)."""
    given = challenge.parameters
    algorithm = given.get("algorithm", "MD5")
    hash_ = _hash_of(algorithm)
    offered = [word.strip().lower() for word in given.get("qop", "").split(",") if word.strip()]
    qop = next((word for word in ("auth", "auth-int") if word in offered), "")
    if hash_ is None or "realm" not in given or not given.get("nonce") or (offered and not qop):
        return None
    return ProtectionSpace(
        realm=given["realm"],
        nonce=given["nonce"],
        algorithm=algorithm,
        qop=qop,
        hash=hash_,
        opaque=given.get("opaque"),
        hashes_username=given.get("userhash", "").lower() == "true",
        is_utf8=given.get("charset", "").upper() == "UTF-8",
    )


def _hash_of(algorithm: str) -> Hash | None:
    name = _DIGESTS.get(algorithm.upper().removesuffix(_SESSION))
    if name is None or name not in hashlib.algorithms_available:
        return None
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()


def authorization(
    space: ProtectionSpace, request: WebRequest, username: str, password: Secret
) -> str:
    """Return the Authorization header of *request*, and count it (RFC 7616, 3.4)."""
    space.used += 1
    count = f"{space.used:08x}"
    response = _response(space, request, count, f"{username}:{space.realm}:{password.reveal()}")
    named = {**_name(space, username), "realm": space.realm, "nonce": space.nonce}
    quoted = {**named, "uri": request.target, "response": response}
    if space.opaque is not None:
        quoted["opaque"] = space.opaque
    bare = {"algorithm": space.algorithm}
    if space.qop or space.is_session:
        quoted["cnonce"] = space.client_nonce
    if space.qop:
        bare |= {"qop": space.qop, "nc": count}
    if space.hashes_username:
        bare["userhash"] = "true"
    if "username*" in quoted:
        bare["username*"] = quoted.pop("username*")
    pairs = [f'{name}="{_escape(value)}"' for name, value in quoted.items()]
    return f"Digest {', '.join([*pairs, *(f'{name}={value}' for name, value in bare.items())])}"


def _response(space: ProtectionSpace, request: WebRequest, count: str, identity: str) -> str:
    secret = _hash(space, identity)
    if space.is_session:
        secret = _hash(space, f"{secret}:{space.nonce}:{space.client_nonce}")
    message = f"{request.method}:{request.target}"
    if space.qop == "auth-int":
        message += f":{space.hash(request.body or b'')}"
    if not space.qop:  # RFC 2069
        return _hash(space, f"{secret}:{space.nonce}:{_hash(space, message)}")
    middle = f"{space.nonce}:{count}:{space.client_nonce}:{space.qop}"
    return _hash(space, f"{secret}:{middle}:{_hash(space, message)}")


def _hash(space: ProtectionSpace, text: str) -> str:
    return space.hash(text.encode())


def _name(space: ProtectionSpace, username: str) -> dict[str, str]:
    """Return the user name: hashed, or extended (RFC 8187) where plain text can't hold it."""
    if space.hashes_username:
        return {"username": _hash(space, f"{username}:{space.realm}")}
    if space.is_utf8 and not username.isascii():
        return {"username*": f"UTF-8''{quote(username, safe='')}"}
    return {"username": username}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
