"""A strict authorisation server with a resource behind it: tokens are good once, or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from billhook.engine.egress.policy import EgressPolicy
from engine.origins import Peer, answer, serving

CLIENT_ID = "billhook & co"
CLIENT_SECRET = "s3cret:%+/="  # characters that have to be encoded before they are joined
DOCUMENT = b"the document"

Hook = Callable[["AuthorizationServer", str], Awaitable[None]]


@dataclass(kw_only=True)
class AuthorizationServer:
    """The issued tokens and the received requests. ``hook`` is awaited at named moments."""

    port: int = 0
    in_header: bool = True
    client_secret: str | None = CLIENT_SECRET
    lifetime: int | None = 3600
    rotates: bool = True
    document: bytes = DOCUMENT
    missing: frozenset[str] = frozenset()
    """Targets for which there is no document."""
    redirect_uri: str = "https://billhook.example/back"
    error: tuple[int, dict[str, object]] | None = None
    raw: bytes | None = None
    hook: Hook | None = None
    good_refresh: str = "refresh-0"
    good_access: set[str] = field(default_factory=set)
    codes: dict[str, str | None] = field(default_factory=dict)
    grants: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    reused: bool = False
    served: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def policy(self) -> EgressPolicy:
        return EgressPolicy.from_texts(allow=[f"127.0.0.1:{self.port}"])

    def expire(self) -> None:
        """Refuse every access token from now on."""
        self.good_access.clear()

    async def reached(self, moment: str) -> None:
        if self.hook is not None:
            await self.hook(self, moment)

    async def answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (each.partition(": ") for each in lines)
        }
        method, target, _ = line.split(" ")
        if target == "/token":
            return await self._token(method, headers, body.decode())
        return await self._document(target, headers)

    async def _token(self, method: str, headers: dict[str, str], body: str) -> bytes:
        if method != "POST" or headers.get("content-type") != "application/x-www-form-urlencoded":
            return _error("invalid_request")
        form = dict(parse_qsl(body, strict_parsing=True, keep_blank_values=True))
        self.forms.append(form)
        self.grants.append(form["grant_type"])
        if self.error is not None:
            status, told = self.error
            return _json(told, status)
        if self.raw is not None:
            return self.raw
        if not self._knows_client(headers, form):
            return _error("invalid_client", 401)
        await self.reached("token asked")
        return await self._grant(form)

    def _knows_client(self, headers: dict[str, str], form: dict[str, str]) -> bool:
        if self.in_header and self.client_secret is not None:
            scheme, _, value = headers.get("authorization", "").partition(" ")
            name, _, secret = base64.b64decode(value).decode().partition(":")
            told = (unquote_plus(name), unquote_plus(secret))
            has_no_other = not {"client_id", "client_secret"} & form.keys()
            return scheme == "Basic" and told == (CLIENT_ID, self.client_secret) and has_no_other
        told_secret = form.get("client_secret")
        return form.get("client_id") == CLIENT_ID and told_secret == self.client_secret

    async def _grant(self, form: dict[str, str]) -> bytes:
        kind = form["grant_type"]
        if kind == "refresh_token":
            if self.reused or form.get("refresh_token") != self.good_refresh:
                # a token that was used before: somebody has a copy, so all of them are void
                self.reused = True
                self.good_access.clear()
                return _error("invalid_grant")
        elif kind == "authorization_code" and not self._knows_code(form):
            return _error("invalid_grant")
        given = await self._give(with_refresh=kind != "client_credentials")
        await self.reached("token given")
        return given

    def _knows_code(self, form: dict[str, str]) -> bool:
        if form.get("code") not in self.codes or form.get("redirect_uri") != self.redirect_uri:
            return False
        challenge = self.codes.pop(form["code"])
        if challenge is None:
            return "code_verifier" not in form
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge

    async def _give(self, *, with_refresh: bool) -> bytes:
        number = len(self.grants)
        access = f"access-{number}"
        self.good_access.add(access)
        given: dict[str, object] = {"access_token": access, "token_type": "bearer"}
        if self.lifetime is not None:
            given["expires_in"] = self.lifetime
        if with_refresh and self.rotates:
            self.good_refresh = f"refresh-{number}"
            given["refresh_token"] = self.good_refresh
        return _json(given)

    async def _document(self, target: str, headers: dict[str, str]) -> bytes:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.good_access:
            self.refused += 1
            return _json({"error": "expired"}, 401)
        await self.reached("token used")
        self.served.append(target)
        if target in self.missing:
            return answer(status="404 Not Found")
        return answer(self.document)


def _json(data: dict[str, object], status: int = 200) -> bytes:
    return answer(
        json.dumps(data).encode(), "Content-Type: application/json", status=f"{status} Configured"
    )


def _error(code: str, status: int = 400) -> bytes:
    told = {"error": code, "error_description": "CANARY of the server's own words"}
    return _json(told, status)


@asynccontextmanager
async def authorization_server(**settings: object) -> AsyncIterator[AuthorizationServer]:
    """Run one on a port of its own until the block ends."""
    server = AuthorizationServer(**settings)  # type: ignore[arg-type]

    async def script(peer: Peer) -> None:
        try:
            while True:
                request = await peer.request()
                await peer.send(await server.answer(request))
        except (EOFError, asyncio.IncompleteReadError, ConnectionError):
            return

    async with serving(script) as source:
        server.port = source.port
        yield server
