"""A fixed token in an Authorization header (RFC 6750), after the word Bearer or another one."""

from __future__ import annotations

from typing import Final

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import field_text, masked
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
)
from billhook.engine.authentication.signed_request import authorization_value, with_header
from billhook.engine.field import FieldInfo

PREFIX: Final = FieldInfo(
    key="prefix",
    label="Word before the token",
    help="Bearer, unless the system wants another, such as Zoho-oauthtoken. Empty: only the "
    "token. A space follows it, unless it ends with = as in Token token=.",
    kind="header-text",
    default="Bearer",
)


def _make(filled: FilledPlan) -> Authenticator:
    value = authorization_value(filled["prefix"], filled["token"])
    return FixedAuthenticator(lambda request: with_header(request, "Authorization", value))


def token_headers(plan: AuthenticationPlan) -> ShownPairs:
    """Return the Authorization header, with its token masked."""
    before = authorization_value(field_text(plan, "prefix"), "\0").rstrip("\0")
    return (("Authorization", masked(before)),)


SCHEME = Scheme(
    name="bearer",
    title="Token (Bearer and similar)",
    help="An Authorization header with a fixed token (RFC 6750).",
    fields=(
        FieldInfo(
            key="token", label="Token", help="The system's own token.", kind="secret", required=True
        ),
        PREFIX,
    ),
    make=_make,
    headers=token_headers,
)
