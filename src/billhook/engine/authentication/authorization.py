"""The authorization-code flow, for a program that takes a person through it, such as the portal.

:func:`begin_authorization` returns the address to send the browser to, with values to remember
until it comes back; :func:`finish_authorization` exchanges its code for tokens and saves them.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from oauthlib.common import generate_token
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from billhook.engine.authentication.authenticator import Channel
from billhook.engine.authentication.oauth2_client import OAuthClient, request_tokens, sentence_of
from billhook.engine.authentication.token_store import IssuedTokens, TokenStore
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.trace import Trace
    from billhook.engine.http.transport import Transport

_SECURE: Final = "https://query.invalid/"
"""oauthlib reads and writes queries only of https URLs; here it handles only the query."""
_STATE_LENGTH: Final = 43
_VERIFIER_LENGTH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A flow that has begun. Send the browser to ``url``.

    Keep ``state`` and ``verifier`` in that browser's session, bound to the person and the
    integration, for some minutes and for one use.
    """

    url: str
    state: str
    verifier: Secret | None


def begin_authorization(client: OAuthClient, *, redirect_uri: str) -> AuthorizationRequest:
    """Begin a flow (RFC 6749, 4.1.1; PKCE with S256, RFC 7636)."""
    flow = WebApplicationClient(client.client_id)
    state = generate_token(_STATE_LENGTH)
    verifier = flow.create_code_verifier(_VERIFIER_LENGTH) if client.pkce else None
    challenge = flow.create_code_challenge(verifier, "S256") if verifier else None
    query = flow.prepare_request_uri(
        _with_extra(client),
        redirect_uri=redirect_uri,
        scope=client.scope or None,
        state=state,
        code_challenge=challenge,
        code_challenge_method="S256",
    ).removeprefix(f"{_SECURE}?")
    joint = "&" if "?" in client.authorize_url else "?"
    return AuthorizationRequest(
        url=f"{client.authorize_url}{joint}{query}",
        state=state,
        verifier=Secret(verifier) if verifier else None,
    )


def _with_extra(client: OAuthClient) -> str:
    from oauthlib.common import add_params_to_uri

    return str(add_params_to_uri(_SECURE, list(client.extra.items())))


def read_code(query: str, *, state: str) -> str:
    """Return the code in *query*, with which the browser came back (RFC 6749, 4.1.2).

    Raises AuthenticationFailed if the person or the system refused, or if *query* doesn't belong to
    the flow with this *state*: somebody else may have made the link (RFC 6749, 10.12).
    """
    flow = WebApplicationClient("")
    try:
        fields = flow.parse_request_uri_response(f"{_SECURE}?{query}")
    except OAuth2Error as error:
        if str(error.error) == "access_denied":
            message = "Access was not granted there. Start again, and agree."
            raise AuthenticationFailed(message, connect_again=True) from None
        sentence = sentence_of(str(error.error))
        if sentence is not None:
            raise AuthenticationFailed(sentence, connect_again=True) from None
        raise _not_ours() from None
    except ValueError:
        raise _not_ours() from None
    if not hmac.compare_digest(str(fields.get("state", "")).encode(), state.encode()):
        raise _not_ours()
    return str(fields["code"])


def _not_ours() -> AuthenticationFailed:
    return AuthenticationFailed(
        "This response doesn't match a pending connection. Start again, and finish in the same "
        "browser.",
        connect_again=True,
    )


async def finish_authorization(
    client: OAuthClient,
    *,
    query: str,
    state: str,
    verifier: Secret | None,
    redirect_uri: str,
    token_store: TokenStore,
    transport: Transport,
    trace: Trace,
    deadline: float,
) -> IssuedTokens:
    """Exchange the code in *query* for tokens and save them with *token_store* (RFC 6749, 4.1.3).

    *state*, *verifier* and *redirect_uri* are those with which the flow began. *deadline* is for
    waiting; the request has its own limit. Raises AuthenticationFailed and EgressDenied.
    """
    code = read_code(query, state=state)
    body = client.code_body(
        code, redirect_uri=redirect_uri, verifier=verifier.reveal() if verifier else None
    )
    channel = Channel(transport=transport, deadline=deadline, trace=trace)
    async with token_store.lock():
        tokens = await request_tokens(
            client, body, channel, old=None, source=client.source(), repeatable=False
        )
        await token_store.save(tokens)
    return tokens
