"""A client of OAuth 2: its requests to the token URL, and the tokens in the responses (RFC 6749).

oauthlib writes the bodies and reads the responses, which go through the same guarded transport as
every other request. Only the code of an authorisation server's error is used: messages are ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error, WebApplicationClient

from billhook.engine.authentication.authenticator import STEP, Channel
from billhook.engine.authentication.factory import fill_plan, unfit_problem
from billhook.engine.authentication.keys.assertion import (
    AUTOMATIC,
    SECRET_ALGORITHMS,
    ClientAssertion,
    UnfitAlgorithm,
    algorithm_for,
)
from billhook.engine.authentication.keys.assertion import TYPE as ASSERTION_TYPE
from billhook.engine.authentication.keys.key_pair import KeyPair, UnreadableKey, read_key_pair
from billhook.engine.authentication.scheme import AuthenticationPlan, FilledPlan, UnfitField
from billhook.engine.authentication.token_store import IssuedTokens
from billhook.engine.egress.url import Origin
from billhook.engine.errors import AuthenticationFailed, SourceError
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http_status import SUCCESS
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response

PRIVATE_KEY_JWT: Final = "private_key_jwt"
CLIENT_SECRET_JWT: Final = "client_secret_jwt"  # noqa: S105 - a name of OpenID Connect
LIMITS: Final = Limits(timeout=30.0, max_bytes=100_000, retries=1)
"""A token has a few kilobytes at most. So few bytes are read in no time."""
EARLY: Final = 60.0
"""An access token isn't used in its last seconds, nor in the last tenth of its life."""
LONGEST_LIFE: Final = 10 * 365 * 86_400
"""Seconds. A far larger number can't be added to the time of day."""
_UNAUTHORIZED: Final = 401
_TOKEN_CHARACTERS: Final = frozenset(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """A registered application at its authorisation server. ``token_target`` is percent-encoded."""

    token_origin: Origin
    token_target: str
    client_id: str
    client_secret: Secret | None
    scope: str
    in_header: bool
    extra: Mapping[str, str] = field(default_factory=dict)
    authorize_url: str = ""
    pkce: bool = True
    assertion: ClientAssertion | None = None

    def source(self, first: Secret | None = None) -> str:
        """Return a digest of the purpose of tokens: this client, and the *first* token."""
        parts = [f"{self.token_origin}{self.token_target}", self.client_id]
        parts.append(first.reveal() if first else "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def code_body(self, code: str, *, redirect_uri: str, verifier: str | None) -> str:
        """Return the form that requests the first tokens with a *code* (RFC 6749, 4.1.3)."""
        client = WebApplicationClient(self.client_id)
        return str(
            client.prepare_request_body(
                code=code, redirect_uri=redirect_uri, code_verifier=verifier, **self._in_body()
            )
        )

    def refresh_body(self, refresh: Secret) -> str:
        """Return the form that requests tokens of the same scope with *refresh* (RFC 6749, 6)."""
        client = WebApplicationClient(self.client_id)
        kwargs = {**self._in_body(), "client_id": self.client_id}
        return str(client.prepare_refresh_body(refresh_token=refresh.reveal(), **kwargs))

    def own_body(self) -> str:
        """Return the form that requests a token for the application itself (RFC 6749, 4.4.2)."""
        client = BackendApplicationClient(self.client_id)
        return str(client.prepare_request_body(scope=self.scope or None, **self._in_body()))

    def _in_body(self) -> dict[str, Any]:
        in_header = self.in_header and self.client_secret is not None
        kwargs: dict[str, Any] = {
            "body": urlencode(self.extra),
            "include_client_id": not in_header,
        }
        if self.assertion is not None:
            kwargs["client_assertion_type"] = ASSERTION_TYPE
            kwargs["client_assertion"] = self.assertion.make()
        elif self.client_secret is not None and not in_header:
            kwargs["client_secret"] = self.client_secret.reveal()
        return kwargs

    def request(self, body: str, *, repeatable: bool) -> WebRequest:
        """Return the token request with *body*."""
        headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
        ]
        if self.in_header and self.client_secret is not None:
            headers.append(("Authorization", self._basic(self.client_secret)))
        return WebRequest(
            step=STEP,
            method="POST",
            url=f"{self.token_origin}{self.token_target}",
            origin=self.token_origin,
            target=self.token_target,
            headers=tuple(headers),
            body=body.encode(),
            carries_secret=True,
            authenticate=False,
            repeatable=repeatable,
        )

    def _basic(self, secret: Secret) -> str:
        """Return the Basic header, with both parts form-encoded (RFC 6749, 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(secret.reveal())}"
        return f"Basic {b64encode(pair.encode()).decode()}"


def make_client(plan: AuthenticationPlan, secrets: Mapping[str, Secret]) -> OAuthClient:
    """Return the client of *plan*, for a program that takes a person through the flow.

    Raises TokenError with every secret that is missing or unfit, and ValueError for another scheme.
    """
    if "token_url" not in plan.fields:
        raise ValueError("this scheme is not OAuth 2")
    filled = fill_plan(plan, secrets)
    try:
        return client_of(filled)
    except UnfitField as unfit:
        raise unfit_problem(plan, unfit) from None


def client_of(filled: FilledPlan) -> OAuthClient:
    """Return the client of a plan with its values."""
    origin = filled.plan.fields["token_url"].origin
    target = filled["token_url"][len(str(origin)) :]
    by_assertion = filled["client_auth"] in {PRIVATE_KEY_JWT, CLIENT_SECRET_JWT}
    return OAuthClient(
        token_origin=origin,
        token_target=target if target.startswith("/") else f"/{target}",
        client_id=filled["client_id"],
        client_secret=filled.secret("client_secret"),
        scope=filled["scope"],
        in_header=filled["client_auth"] == "header",
        extra=filled.extra,
        authorize_url=filled.texts.get("authorize_url", ""),
        pkce=bool(filled.texts.get("pkce", "yes")),
        assertion=_assertion_of(filled) if by_assertion else None,
    )


def _assertion_of(filled: FilledPlan) -> ClientAssertion:
    """Return the client's assertion; raise UnfitField for a key that can't sign it."""
    key, algorithm = _signing_key(filled)
    return ClientAssertion(
        key=key,
        algorithm=algorithm,
        client_id=filled["client_id"],
        audience=filled["audience"] or filled["token_url"],
        key_id=filled["key_id"],
        scope=filled["scope"],
    )


def _signing_key(filled: FilledPlan) -> tuple[KeyPair | Secret, str]:
    wanted = filled["algorithm"]
    if filled["client_auth"] == CLIENT_SECRET_JWT:
        algorithm = SECRET_ALGORITHMS[0] if wanted == AUTOMATIC else wanted
        return Secret(filled["client_secret"]), algorithm
    try:
        pair = read_key_pair(filled["private_key"], filled["passphrase"])
        return pair, algorithm_for(pair.key, wanted)
    except UnreadableKey as error:
        raise UnfitField("private_key", f"can't be used. {error.reason}") from None
    except UnfitAlgorithm:
        raise UnfitField(
            "private_key", f"is of a kind with which {wanted} can't sign. Choose automatic."
        ) from None


async def request_tokens(
    client: OAuthClient,
    body: str,
    channel: Channel,
    *,
    old: Secret | None,
    source: str,
    repeatable: bool,
) -> IssuedTokens:
    """Send the form *body* to the token URL and return the tokens in the response.

    It has its own time limit instead of the run's: a run that gives up here would lose a refresh
    token that the server has used up. *old* is the refresh token that stays valid unless the
    response has a new one.
    """
    deadline = asyncio.get_running_loop().time() + LIMITS.timeout
    try:
        response = await channel.transport.exchange(
            client.request(body, repeatable=repeatable),
            RunTerms(
                limits=LIMITS,
                redirects="deny",
                deadline=deadline,
                trace=channel.trace,
                share=channel.share,
            ),
        )
    except SourceError as error:
        raise AuthenticationFailed(f"The request to the token URL failed. {error}") from None
    with response.body:
        fields = _read_response(response, with_refresh_token=old is not None)
    return _tokens(fields, old, source)


def _read_response(response: Response, *, with_refresh_token: bool) -> Mapping[str, Any]:
    """Read a token response (RFC 6749, 5.1), or raise the error for its code (5.2)."""
    text = response.body.read().decode("utf-8-sig", errors="replace")
    try:
        fields = WebApplicationClient("").parse_request_body_response(text)
    except OAuth2Error as error:
        raise _failure(response.status, str(error.error), refreshing=with_refresh_token) from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, Warning):
        raise _failure(response.status, "", refreshing=with_refresh_token) from None
    if response.status not in SUCCESS:
        raise _failure(response.status, "", refreshing=with_refresh_token)
    return dict(fields)


_AGAIN: Final = "Connect the integration again, or type a new refresh token."
_SENTENCES: Final = {
    "invalid_client": "The client ID is unknown to the source, or the client secret is wrong. "
    "Type both again.",
    "unauthorized_client": "The source does not allow this scheme for this application. "
    "Check the application's settings there.",
    "unsupported_grant_type": "The source does not support this scheme. "
    "Choose another authentication scheme.",
    "invalid_scope": "The source does not grant the requested scope. Change the scope.",
    "invalid_request": "The source rejected the token request as incomplete. "
    "Compare the fields of the authentication with the source's documentation.",
    "access_denied": "The source denied access. Ask its administrator.",
    "server_error": "The source's authorisation server has an internal error. Try again later.",
    "temporarily_unavailable": "The source's authorisation server is temporarily unavailable. "
    "Try again later.",
}


def sentence_of(code: str) -> str | None:
    """Return the message for an error code of RFC 6749, or None if there is none."""
    return _SENTENCES.get(code)


_USED_UP: Final = frozenset({"invalid_grant", "invalid_token", "invalid_code", "expired_token"})


def _failure(status: int, code: str, *, refreshing: bool) -> AuthenticationFailed:
    """Return the error for a response of the token URL."""
    if code in _USED_UP:
        if refreshing:
            message = f"The refresh token has expired, was used before or was revoked. {_AGAIN}"
            return AuthenticationFailed(message, connect_again=True)
        return AuthenticationFailed(
            "The source did not accept the authorisation code, which has expired or was used "
            "before. Connect again.",
            connect_again=True,
        )
    if code in _SENTENCES:
        return AuthenticationFailed(_SENTENCES[code])
    if status == _UNAUTHORIZED:
        return AuthenticationFailed(_SENTENCES["invalid_client"])
    if status in SUCCESS:
        return AuthenticationFailed(
            "The response of the token URL holds no token. Check the token URL."
        )
    return AuthenticationFailed(f"The token URL responded with status {status} instead of a token.")


def _tokens(fields: Mapping[str, Any], old: Secret | None, source: str) -> IssuedTokens:
    access, refresh = fields.get("access_token"), fields.get("refresh_token")
    if not _is_token(access) or not (refresh is None or refresh == "" or _is_token(refresh)):
        raise AuthenticationFailed(
            "The token URL issued a token that can't be sent. Check the token URL."
        )
    return IssuedTokens(
        access=Secret(str(access)),
        expires_at=_expiry(fields.get("expires_in")),
        refresh=Secret(str(refresh)) if refresh else old,
        source=source,
    )


def _is_token(value: object) -> bool:
    """Return whether *value* is a token by RFC 6749, appendix A.12: visible ASCII."""
    return isinstance(value, str) and bool(value) and _TOKEN_CHARACTERS.issuperset(value)


def _expiry(lifetime: object) -> float | None:
    """Return the time after which a token is no longer used, shortly before it expires."""
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float):
        return None
    lifetime = max(0, min(lifetime, LONGEST_LIFE))
    return time.time() + lifetime - min(EARLY, lifetime / 10)
