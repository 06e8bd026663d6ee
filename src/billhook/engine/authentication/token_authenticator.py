"""Authenticates with access tokens of OAuth 2, and renews them (RFC 6749 and RFC 6750)."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from billhook.engine.authentication.authenticator import Channel, SignedRequest
from billhook.engine.authentication.oauth2_client import OAuthClient, request_tokens
from billhook.engine.authentication.shared_credential import SharedCredential
from billhook.engine.authentication.signed_request import authorization_value, with_header
from billhook.engine.authentication.token_store import IssuedTokens, TokenStore
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.http.request import WebRequest
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.transport import Response

WAIT_FOR_LOCK: Final = 40.0
"""Seconds to wait for another process that requests tokens: longer than its own limit."""
REMEMBER_REFUSAL: Final = 60.0
"""Seconds for which a refused refresh token isn't sent again."""
_UNAUTHORIZED: Final = 401


class TokenAuthenticator:
    """Signs with an access token, and obtains a new one when it is old or refused.

    It uses *first*, the refresh token that was typed, or without one the tokens in *token_store*
    that an authorisation code gave. *own* requests tokens as the application itself and needs
    neither.
    """

    def __init__(
        self,
        client: OAuthClient,
        *,
        token_store: TokenStore,
        prefix: str,
        first: Secret | None = None,
        own: bool = False,
    ) -> None:
        self._client = client
        self._token_store = token_store
        self._prefix = prefix
        self._first = first
        self._own = own
        self._source = client.source(first)
        self._refused: tuple[Secret, float, str] | None = None
        self._shared = SharedCredential(renew=self._renew, is_usable=_is_usable)

    async def sign(
        self, request: WebRequest, channel: Channel, *, refused: object | None = None
    ) -> SignedRequest:
        """Return *request* with an access token that isn't *refused*."""
        tokens = await self._shared.get(channel, refused=refused)
        value = authorization_value(self._prefix, tokens.access.reveal())
        return SignedRequest(with_header(request, "Authorization", value), tokens)

    async def is_refusal(
        self,
        response: Response,
        channel: Channel,  # noqa: ARG002 - as every authenticator
    ) -> bool:
        """Return whether the token wasn't accepted (RFC 6750, 3.1)."""
        return response.status == _UNAUTHORIZED

    async def _renew(self, channel: Channel, old: IssuedTokens | None) -> IssuedTokens:
        """Obtain new tokens, and save them before they are used.

        If another process has just obtained some, those are used.
        """
        async with AsyncExitStack() as stack:
            await self._take_lock(stack)
            stored = await self._load()
            is_new = stored is not None and (old is None or stored.access != old.access)
            if stored is not None and is_new and _is_usable(stored):
                return stored
            fresh = await self._request(stored, channel)
            await self._token_store.save(fresh)
            return fresh

    async def _take_lock(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(WAIT_FOR_LOCK):
                await stack.enter_async_context(self._token_store.lock())
        except TimeoutError:
            raise AuthenticationFailed(
                "Another process has been renewing the tokens for too long. Try again in a minute."
            ) from None

    async def _load(self) -> IssuedTokens | None:
        """Return the stored tokens, unless they are for another client or first token."""
        stored = await self._token_store.load()
        return stored if stored is not None and stored.source == self._source else None

    async def _request(self, stored: IssuedTokens | None, channel: Channel) -> IssuedTokens:
        if self._own:
            body = self._client.own_body()
            return await self._send(body, channel, old=None)
        refresh = stored.refresh if stored and stored.refresh else self._first
        if refresh is None:
            raise AuthenticationFailed(
                "The integration is not connected yet. Connect it: this takes two clicks.",
                connect_again=True,
            )
        self._fail_again(refresh)
        try:
            return await self._send(self._client.refresh_body(refresh), channel, old=refresh)
        except AuthenticationFailed as error:
            if error.connect_again:
                self._refused = (refresh, time.monotonic(), str(error))
            raise

    def _fail_again(self, refresh: Secret) -> None:
        """Fail without a request if *refresh* was refused just now: another would fail, too."""
        if self._refused is not None:
            token, when, message = self._refused
            if token == refresh and time.monotonic() - when < REMEMBER_REFUSAL:
                raise AuthenticationFailed(message, connect_again=True)

    async def _send(self, body: str, channel: Channel, *, old: Secret | None) -> IssuedTokens:
        return await request_tokens(
            self._client, body, channel, old=old, source=self._source, repeatable=self._own
        )

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """The latest tokens."""
        tokens = self._shared.current
        found = (tokens.access, tokens.refresh) if tokens is not None else ()
        return tuple(secret for secret in found if secret is not None)

    async def close(self) -> None:
        """Wait until a renewal in progress has ended and its tokens are saved."""
        await self._shared.close()


def _is_usable(tokens: IssuedTokens) -> bool:
    return tokens.expires_at is None or time.time() < tokens.expires_at
