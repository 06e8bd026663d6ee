"""Fields and functions that all OAuth 2 schemes share (RFC 6749)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.fields import CompiledField
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    problem_at,
)
from billhook.engine.authentication.schemes.bearer import PREFIX, token_headers
from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.field import FieldInfo

_PRIVATE_KEY_JWT: Final = "private_key_jwt"
_CLIENT_SECRET_JWT: Final = "client_secret_jwt"  # noqa: S105 - a name of OpenID Connect
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
        label="Authentication of the client",
        help="ID and secret in a Basic header (RFC 6749, 2.3.1) or in the body of the token "
        "request; or a JWT (RFC 7523), signed with a private key or with the secret.",
        kind="choice",
        default="header",
        choices=("header", "body", _PRIVATE_KEY_JWT, _CLIENT_SECRET_JWT),
    ),
    PREFIX,
    FieldInfo(
        key="private_key",
        label="Private key",
        help="For private_key_jwt: PEM, or a PKCS#12 file in base 64. With its certificate, the "
        "certificate's thumbprint is sent, too, as Microsoft expects.",
        kind="secret-lines",
    ),
    FieldInfo(key="passphrase", label="Passphrase", help="Opens the private key.", kind="secret"),
    FieldInfo(
        key="key_id",
        label="Key ID",
        help="The kid in the JWT's header. NetSuite: the certificate ID.",
    ),
    FieldInfo(
        key="algorithm",
        label="Algorithm",
        help="Signs the JWT. By default, RS256 for an RSA key, that of its curve for an EC key, "
        "and HS256 for a secret. NetSuite: PS256.",
        kind="choice",
        default="automatic",
        choices=(
            "automatic",
            *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
            *("ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"),
        ),
    ),
    FieldInfo(
        key="audience",
        label="Audience",
        help="The aud of the JWT, if it isn't the token URL.",
    ),
)
RESERVED: Final = frozenset(
    {
        "client_assertion",
        "client_assertion_type",
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
    name: str,
    title: str,
    about: str,
    *fields: FieldInfo,
    keeps_tokens: bool = False,
    needs_consent: bool = False,
) -> Scheme:
    """Return a scheme that obtains access tokens at a token URL; *about* is its help.

    If it *needs_consent*, its secrets alone obtain nothing: a person has to agree.
    """
    return Scheme(
        name=name,
        title=title,
        help=about,
        fields=fields,
        parts=("extra",),
        reserved=RESERVED,
        unsent=frozenset(field.key for field in fields if field is not PREFIX) | {"extra"},
        sends_issued=not needs_consent,
        keeps_tokens=keeps_tokens,
        make=_make,
        headers=token_headers,
        check=_check,
        notes=_notes,
    )


def _check(config: AuthenticationConfig, _: Mapping[str, CompiledField]) -> Iterable[Problem]:
    """Report fields that the chosen authentication of the client needs, or doesn't use."""
    typed = config.fields
    way, algorithm = typed.get("client_auth"), str(typed.get("algorithm", ""))
    if way == _PRIVATE_KEY_JWT and not typed.get("private_key"):
        message = "private_key_jwt signs with a private key. Choose the secret that holds it."
        yield problem_at("private_key", "missing-key", message)
    if way == _CLIENT_SECRET_JWT and not typed.get("client_secret"):
        message = "client_secret_jwt signs with the client secret. Choose it."
        yield problem_at("client_secret", "missing-key", message)
    if typed.get("private_key") and way != _PRIVATE_KEY_JWT:
        message = "A private key is used only with client_auth = private_key_jwt."
        yield problem_at("client_auth", "misplaced-key", message)
    with_secret = algorithm.startswith("HS")
    if (way == _PRIVATE_KEY_JWT and with_secret) or (
        way == _CLIENT_SECRET_JWT and algorithm not in {"", "automatic"} and not with_secret
    ):
        message = f"{way} can't use {algorithm}. Choose automatic."
        yield problem_at("algorithm", "invalid-value", message, "automatic")


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
