"""An OAuth 2 server of Authlib's, with the invoices behind it: its grants and checks, not ours."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from authlib.common.security import generate_token
from authlib.oauth2 import rfc6749, rfc6750
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge

from lab.invoices import make_invoices

CLIENT_ID: Final = "billhook"
SCOPE: Final = "invoices:read"
ASSERTION: Final = JWTBearerClientAssertion.CLIENT_AUTH_METHOD
METHODS: Final = ("client_secret_basic", "client_secret_post", ASSERTION)
REDIRECT_URI: Final = "https://portal.example.com/connected"


@dataclass(frozen=True, kw_only=True)
class Client(rfc6749.ClientMixin):
    """The one client. *auth* is one of the methods; *key* verifies its assertions."""

    secret: str
    auth: str
    key: str = ""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return REDIRECT_URI

    def get_allowed_scope(self, scope: str) -> str:
        return scope if scope == SCOPE else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT_URI

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.auth

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return True


@dataclass(kw_only=True)
class Token(rfc6749.TokenMixin):
    """A pair of tokens that was given out."""

    access: str
    refresh: str | None
    expires_at: float
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return True

    def get_scope(self) -> str:
        return SCOPE

    def get_expires_in(self) -> int:
        return 3600

    def is_expired(self) -> bool:
        return time.time() >= self.expires_at

    def is_revoked(self) -> bool:
        return self.revoked

    def get_user(self) -> str:
        return "ann"

    def get_client(self) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class Code(rfc6749.AuthorizationCodeMixin):
    """A code that the browser carried back."""

    code: str
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return SCOPE


class _Assertions(JWTBearerClientAssertion):
    """Authlib's check of a client's assertion, with the ids that were used before."""

    def __init__(self, server: Server, audience: str) -> None:
        super().__init__()
        self._server = server
        self._audience = audience

    def get_audiences(self) -> list[str]:
        return [self._audience]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        is_new = jti not in self._server.assertions
        self._server.assertions.append(jti)
        return is_new

    def resolve_client_public_key(self, client: Client) -> str:
        return client.key


class _ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class _Refresh(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        tokens = [each for each in self.server.tokens if each.refresh == refresh_token]
        return tokens[0] if tokens and not tokens[0].revoked else None

    def authenticate_user(self, refresh_token: Token) -> str:
        return refresh_token.get_user()

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.revoked = True


class _AuthorizationCode(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        data = request.payload.data
        self.server.codes[code] = Code(
            code=code,
            redirect_uri=data["redirect_uri"],
            code_challenge=data["code_challenge"],
            code_challenge_method=data["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return self.server.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.server.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return "ann"


class _Request(rfc6749.OAuth2Request):
    """A request as Authlib reads it. It claims to use TLS, which isn't needed on loopback."""

    def __init__(self, method: str, url: str, headers: Any, form: dict[str, str]) -> None:
        super().__init__(method, url.replace("http://", "https://", 1), headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self._form = form

    @property
    def args(self) -> dict[str, str]:
        return self._form

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Validator(rfc6750.BearerTokenValidator):
    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def authenticate_token(self, token_string: str) -> Token | None:
        tokens = [each for each in self._server.tokens if each.access == token_string]
        return tokens[0] if tokens else None


@dataclass(kw_only=True)
class Seen:
    """The requested grants, and the statuses of the responses."""

    grants: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


class Server(rfc6749.AuthorizationServer):
    """Authlib's server with its memory in lists, and the resource that its tokens open."""

    def __init__(self, client: Client) -> None:
        super().__init__(scopes_supported=[SCOPE])
        self.client = client
        self.tokens: list[Token] = []
        self.codes: dict[str, Code] = {}
        self.assertions: list[str] = []
        self.seen = Seen()
        generator = BearerTokenGenerator(
            lambda *_, **__: generate_token(42), lambda *_, **__: generate_token(48)
        )
        self.register_token_generator("default", generator)
        self.register_grant(_ClientCredentials)
        self.register_grant(_Refresh)
        self.register_grant(_AuthorizationCode, [CodeChallenge(required=True)])
        self._protector = rfc6749.ResourceProtector()
        self._protector.register_token_validator(_Validator(self))
        self._pdfs = {each.number: each.pdf for each in make_invoices()}

    def expire(self) -> None:
        """Let all access tokens expire now."""
        for token in self.tokens:
            token.expires_at = 0

    def first_refresh_token(self) -> str:
        """Return a refresh token as if a person had agreed before."""
        self.tokens.append(Token(access="unused", refresh=generate_token(48), expires_at=0))
        return str(self.tokens[-1].refresh)

    # what Authlib asks for

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        given = Token(
            access=token["access_token"],
            refresh=token.get("refresh_token"),
            expires_at=time.time() + token["expires_in"],
        )
        self.tokens.append(given)

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def send_signal(self, name: str, *args: Any, **more: Any) -> None:
        """Tell nobody."""

    def handle_response(self, status: int, body: Any, headers: Any) -> web.Response:
        self.seen.statuses.append(status)
        text = json.dumps(body) if isinstance(body, dict) else body
        return web.Response(status=status, body=text.encode(), headers=dict(headers))

    # what the web asks for

    async def authorize(self, request: web.Request) -> web.Response:
        """Answer the browser: as if the person had agreed."""
        asked = _Request("GET", str(request.url), request.headers, dict(request.query))
        grant = self.get_authorization_grant(asked)
        return self.create_authorization_response(asked, grant_user="ann", grant=grant)

    async def token(self, request: web.Request) -> web.Response:
        """Answer the token endpoint."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.seen.grants.append(form["grant_type"])
        asked = _Request("POST", str(request.url), request.headers, form)
        return self.create_token_response(asked)

    async def invoice(self, request: web.Request) -> web.Response:
        """Return an invoice to anyone who has a token for it."""
        asked = _Request("GET", str(request.url), request.headers, {})
        try:
            self._protector.validate_request([SCOPE], asked)
        except rfc6749.OAuth2Error as error:
            return self.handle_response(*error())
        pdf = self._pdfs.get(request.match_info["number"])
        return web.Response(body=pdf) if pdf else web.Response(status=404)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve on loopback, and give the origin."""
        app = web.Application()
        app.router.add_get("/authorize", self.authorize)
        app.router.add_post("/token", self.token)
        app.router.add_get("/invoices/{number:.+}", self.invoice)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
            check = _Assertions(self, f"{origin}/token")
            self.register_client_auth_method(ASSERTION, check)
            yield origin
        finally:
            await runner.cleanup()
