"""OAuth 2: access tokens for a client's own credentials or for a refresh token (RFC 6749).

Bodies are written and answers read by oauthlib; they travel through the same guarded transport as
every other request. What an authorisation server says in its errors is read by its code alone, and
told in sentences of our own.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error, WebApplicationClient

from billhook.engine.authentication.scheme import Line, Signed
from billhook.engine.authentication.shared import Shared
from billhook.engine.authentication.signing import authorization, with_header
from billhook.engine.authentication.token_store import TokenKeeper, Tokens
from billhook.engine.errors import AuthenticationFailed, SourceError
from billhook.engine.http.request import Limits, Origin, WebRequest
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response

STEP: Final = "sign-in"
"""The name under which sign-in requests stand in a trace."""
LIMITS: Final = Limits(timeout=30.0, max_bytes=1_000_000, retries=1)
WAIT_FOR_LOCK: Final = 40.0
"""Seconds to wait for another process that asks for tokens: longer than its own limit."""
REMEMBER_REFUSAL: Final = 60.0
"""Seconds for which a refresh token that was refused isn't sent again."""
EARLY: Final = 60.0
"""An access token isn't used in its last seconds, nor in the last tenth of its life."""
LONGEST_LIFE: Final = 10 * 365 * 86_400
"""Seconds; a number that is far larger can't be added to the time of day."""
_SUCCESS: Final = range(200, 300)
_UNAUTHORIZED: Final = 401
_TOKEN_CHARACTERS: Final = frozenset(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered application at its authorisation server. ``token_url`` is ready for the wire."""

    token_origin: Origin
    token_target: str
    client_id: str
    client_secret: Secret | None
    scope: str
    in_header: bool
    extra: Mapping[str, str] = field(default_factory=dict)
    authorize_url: str = ""
    pkce: bool = True

    def source(self, first: Secret | None = None) -> str:
        """Return a digest of what tokens are for: this client here, and the *first* token."""
        parts = [f"{self.token_origin}{self.token_target}", self.client_id]
        parts.append(first.reveal() if first else "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def code_body(self, code: str, *, redirect_uri: str, verifier: str | None) -> str:
        """Return the form that asks for the first tokens, with a *code* (RFC 6749, 4.1.3)."""
        client = WebApplicationClient(self.client_id)
        return str(
            client.prepare_request_body(
                code=code, redirect_uri=redirect_uri, code_verifier=verifier, **self._in_body()
            )
        )

    def refresh_body(self, refresh: Secret) -> str:
        """Return the form that asks with a refresh token (RFC 6749, 6), for the same scope."""
        client = WebApplicationClient(self.client_id)
        kwargs = {**self._in_body(), "client_id": self.client_id}
        return str(client.prepare_refresh_body(refresh_token=refresh.reveal(), **kwargs))

    def own_body(self) -> str:
        """Return the form that asks for the application itself (RFC 6749, 4.4.2)."""
        client = BackendApplicationClient(self.client_id)
        return str(client.prepare_request_body(scope=self.scope or None, **self._in_body()))

    def _in_body(self) -> dict[str, Any]:
        in_header = self.in_header and self.client_secret is not None
        kwargs: dict[str, Any] = {
            "body": urlencode(self.extra),
            "include_client_id": not in_header,
        }
        if self.client_secret is not None and not in_header:
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
        """Both are form-encoded before they are joined: so says RFC 6749, 2.3.1."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(secret.reveal())}"
        return f"Basic {b64encode(pair.encode()).decode()}"


async def ask_for_tokens(
    client: Client, body: str, line: Line, *, old: Secret | None, source: str, repeatable: bool
) -> Tokens:
    """Send the form *body* to the token URL and return what it gives.

    It has a time limit of its own, not the run's: whoever is cut off here loses a refresh token
    that the server has used up. *old* is the refresh token that stays good if no other comes.
    """
    deadline = asyncio.get_running_loop().time() + LIMITS.timeout
    try:
        response = await line.transport.exchange(
            client.request(body, repeatable=repeatable),
            limits=LIMITS,
            redirects="deny",
            deadline=deadline,
            trace=line.trace,
        )
    except SourceError as error:
        raise AuthenticationFailed(f"The token URL did not answer as it should. {error}") from None
    with response.body:
        answer = _read_answer(response, with_refresh_token=old is not None)
    return _tokens(answer, old, source)


def _read_answer(response: Response, *, with_refresh_token: bool) -> Mapping[str, Any]:
    """Read a token answer (RFC 6749, 5.1), or raise what its error code means (5.2)."""
    text = response.body.read().decode("utf-8-sig", errors="replace")
    try:
        answer = WebApplicationClient("").parse_request_body_response(text)
    except OAuth2Error as error:
        raise _failure(response.status, str(error.error), refreshing=with_refresh_token) from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, Warning):
        raise _failure(response.status, "", refreshing=with_refresh_token) from None
    if response.status not in _SUCCESS:
        raise _failure(response.status, "", refreshing=with_refresh_token)
    return dict(answer)


_AGAIN: Final = "Connect the integration again, or type a new refresh token."
_SENTENCES: Final = {
    "invalid_client": "The source does not know the client ID, or its secret is wrong. "
    "Type both again.",
    "unauthorized_client": "The source does not let this application sign in in this way. "
    "Look at the application's settings there.",
    "unsupported_grant_type": "The source does not know this way to sign in. "
    "Choose another sign-in scheme.",
    "invalid_scope": "The source does not grant the scope that is asked for. Change the scope.",
    "invalid_request": "The source found the token request incomplete. "
    "Compare the sign-in's fields with its documentation.",
    "access_denied": "The source did not allow the access. Ask whoever runs it.",
    "server_error": "The source could not sign us in for a reason of its own. Try again later.",
    "temporarily_unavailable": "The source can't sign anybody in at the moment. Try again later.",
}


def sentence_of(code: str) -> str | None:
    """Return what an error of RFC 6749 means for people, or None for one that isn't told."""
    return _SENTENCES.get(code)


_USED_UP: Final = frozenset({"invalid_grant", "invalid_token", "invalid_code", "expired_token"})


def _failure(status: int, code: str, *, refreshing: bool) -> AuthenticationFailed:
    """Return what an error of the token URL means, in our own words."""
    if code in _USED_UP:
        if refreshing:
            message = f"The refresh token has expired, was used before or was revoked. {_AGAIN}"
            return AuthenticationFailed(message, connect_again=True)
        return AuthenticationFailed(
            "The source did not accept the sign-in, which has expired or was used before. "
            "Start it again.",
            connect_again=True,
        )
    if code in _SENTENCES:
        return AuthenticationFailed(_SENTENCES[code])
    if status == _UNAUTHORIZED:
        return AuthenticationFailed(_SENTENCES["invalid_client"])
    if status in _SUCCESS:
        return AuthenticationFailed(
            "The token URL answered, but with something else than a token. Check the token URL."
        )
    return AuthenticationFailed(f"The token URL answered {status} instead of giving a token.")


def _tokens(answer: Mapping[str, Any], old: Secret | None, source: str) -> Tokens:
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not _is_token(access) or not (refresh is None or refresh == "" or _is_token(refresh)):
        raise AuthenticationFailed(
            "The token URL gave a token that can't be sent. Check the token URL."
        )
    return Tokens(
        access=Secret(str(access)),
        expires_at=_expiry(answer.get("expires_in")),
        refresh=Secret(str(refresh)) if refresh else old,
        source=source,
    )


def _is_token(value: object) -> bool:
    """Say whether *value* is what RFC 6749 (appendix A.12) calls a token: visible ASCII."""
    return isinstance(value, str) and bool(value) and _TOKEN_CHARACTERS.issuperset(value)


def _expiry(lifetime: object) -> float | None:
    """Return until when a token is used: not quite as long as it lives."""
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float):
        return None
    lifetime = max(0, min(lifetime, LONGEST_LIFE))
    return time.time() + lifetime - min(EARLY, lifetime / 10)


class TokenScheme:
    """Signs with an access token, and has a new one given out when it is old or refused.

    With *first*, the refresh token that was typed, or without one, those that the authorization
    code gave and that *keeper* holds. *own* asks as the application itself and needs neither.
    """

    def __init__(
        self,
        client: Client,
        *,
        keeper: TokenKeeper,
        prefix: str,
        first: Secret | None = None,
        own: bool = False,
    ) -> None:
        self._client = client
        self._keeper = keeper
        self._prefix = prefix
        self._first = first
        self._own = own
        self._source = client.source(first)
        self._refused: tuple[Secret, float, str] | None = None
        self._shared = Shared(renew=self._renew, is_usable=_is_usable)

    async def sign(
        self, request: WebRequest, line: Line, *, refused: object | None = None
    ) -> Signed:
        """Return *request* with an access token that isn't *refused*."""
        tokens = await self._shared.get(line, refused=refused)
        value = authorization(self._prefix, tokens.access.reveal())
        return Signed(with_header(request, "Authorization", value), tokens)

    def is_refusal(self, response: Response) -> bool:
        """Say whether the token wasn't accepted (RFC 6750, 3.1)."""
        return response.status == _UNAUTHORIZED

    async def _renew(self, line: Line, old: Tokens | None) -> Tokens:
        """Have new tokens given out, and save them before anybody uses them.

        If another process has just done so, its tokens are used.
        """
        async with AsyncExitStack() as stack:
            await self._take_lock(stack)
            kept = await self._kept()
            is_news = kept is not None and (old is None or kept.access != old.access)
            if kept is not None and is_news and _is_usable(kept):
                return kept
            fresh = await self._ask(kept, line)
            await self._keeper.save(fresh)
            return fresh

    async def _take_lock(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(WAIT_FOR_LOCK):
                await stack.enter_async_context(self._keeper.lock())
        except TimeoutError:
            raise AuthenticationFailed(
                "Another process has been signing in for too long. Try again in a minute."
            ) from None

    async def _kept(self) -> Tokens | None:
        """Return what the keeper has, unless it is of another client or first token."""
        kept = await self._keeper.load()
        return kept if kept is not None and kept.source == self._source else None

    async def _ask(self, kept: Tokens | None, line: Line) -> Tokens:
        if self._own:
            body = self._client.own_body()
            return await self._send(body, line, old=None)
        refresh = kept.refresh if kept and kept.refresh else self._first
        if refresh is None:
            raise AuthenticationFailed(
                "The integration is not connected yet. Connect it, which takes two clicks.",
                connect_again=True,
            )
        self._fail_again(refresh)
        try:
            return await self._send(self._client.refresh_body(refresh), line, old=refresh)
        except AuthenticationFailed as error:
            if error.connect_again:
                self._refused = (refresh, time.monotonic(), str(error))
            raise

    def _fail_again(self, refresh: Secret) -> None:
        """Fail without asking if *refresh* was refused just now: asking again changes nothing."""
        if self._refused is not None:
            token, when, message = self._refused
            if token == refresh and time.monotonic() - when < REMEMBER_REFUSAL:
                raise AuthenticationFailed(message, connect_again=True)

    async def _send(self, body: str, line: Line, *, old: Secret | None) -> Tokens:
        return await ask_for_tokens(
            self._client, body, line, old=old, source=self._source, repeatable=self._own
        )

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """The tokens that were had last."""
        tokens = self._shared.current
        found = (tokens.access, tokens.refresh) if tokens is not None else ()
        return tuple(secret for secret in found if secret is not None)

    async def close(self) -> None:
        """Wait until tokens under way have come and are saved."""
        await self._shared.close()


def _is_usable(tokens: Tokens) -> bool:
    return tokens.expires_at is None or time.time() < tokens.expires_at
