"""Fields and functions that all OAuth 2 schemes share (RFC 6749)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    problem_at,
)
from billhook.engine.authentication.schemes.bearer import PREFIX, token_headers
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.field import FieldInfo

CLIENT_FIELDS: Final = (
    FieldInfo(
        key="token_url",
        label="Token URL",
        help="Where access tokens are issued.",
        kind="url",
        required=True,
    ),
    FieldInfo(
        key="client_id",
        label="Client ID",
        help="The ID of the registered application.",
        required=True,
    ),
    FieldInfo(
        key="client_secret", label="Client secret", help="The application's secret.", kind="secret"
    ),
    FieldInfo(
        key="scope", label="Scope", help="The access to request; separate several with spaces."
    ),
    FieldInfo(
        key="client_auth",
        label="Client ID and secret go",
        help="In a Basic header (RFC 6749, 2.3.1) or in the body of the token request.",
        kind="choice",
        default="header",
        choices=("header", "body"),
    ),
    PREFIX,
)
RESERVED: Final = frozenset(
    {
        "client_assertion",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
        "response_type",
        "scope",
        "state",
    }
)
"""Parameters that a request of OAuth 2 holds anyway, so that ``extra`` can't."""


def oauth2_scheme(
    name: str, title: str, about: str, *fields: FieldInfo, keeps_tokens: bool = False
) -> Scheme:
    """Return a scheme that obtains access tokens at a token URL; *about* is its help."""
    return Scheme(
        name=name,
        title=title,
        help=about,
        fields=fields,
        parts=("extra",),
        reserved=RESERVED,
        keeps_tokens=keeps_tokens,
        make=_make,
        headers=token_headers,
        notes=_notes,
    )


def _make(filled: FilledPlan) -> Authenticator:
    from billhook.engine.authentication.oauth2_client import client_of  # loads oauthlib
    from billhook.engine.authentication.token_authenticator import TokenAuthenticator
    from billhook.engine.authentication.token_store import MemoryTokenStore

    keeps_tokens = filled.plan.scheme.keeps_tokens
    token_store = filled.token_store if keeps_tokens else MemoryTokenStore()
    if token_store is None:
        raise ConfigurationError((_no_token_store(),))
    return TokenAuthenticator(
        client_of(filled),
        token_store=token_store,
        prefix=filled["prefix"],
        first=filled.secret("refresh_token"),
        own=not keeps_tokens,
    )


def _no_token_store() -> Problem:
    message = (
        "This scheme obtains tokens that must be kept from one run to the next, and there is no "
        "place for them. On the command line, name a file: --tokens FILE."
    )
    return problem_at("scheme", "no-token-store", message)


def _notes(plan: AuthenticationPlan) -> Iterable[Problem]:
    url = plan.fields["token_url"].url
    if url is not None and url.scheme != "https":
        message = (
            "Secrets are sent only over https, unless the operator has allowed this host and "
            "port. Write https:// if the source offers it."
        )
        yield problem_at("token_url", "secret-over-http", message)
