"""User name and password in an Authorization header (RFC 7617)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.fields import CompiledField
from billhook.engine.authentication.preview import masked
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
    UnfitField,
    problem_at,
)
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo


def _make(filled: FilledPlan) -> Authenticator:
    if ":" in filled["username"]:
        raise UnfitField("username", "can't hold a colon, where the password would begin.")
    pair = f"{filled['username']}:{filled['password']}".encode()
    value = f"Basic {base64.b64encode(pair).decode()}"
    return FixedAuthenticator(lambda request: with_header(request, "Authorization", value))


def _headers(_: AuthenticationPlan) -> ShownPairs:
    return (("Authorization", masked("Basic ")),)


def _check(config: AuthenticationConfig, fields: Mapping[str, CompiledField]) -> Iterable[Problem]:
    if not any(map(config.fields.get, ("username", "password"))):
        message = "There is neither a user name nor a password. Type at least one of them."
        yield problem_at("username", "missing-key", message)
    username = fields.get("username")
    if username is not None and ":" in username.literal:
        message = "A user name can't hold a colon: the password would begin there (RFC 7617)."
        yield problem_at("username", "colon", message)


SCHEME = Scheme(
    name="basic",
    title="User name and password (Basic)",
    help="An Authorization header with both in base 64 (RFC 7617).",
    fields=(
        FieldInfo(
            key="username", label="User name", help="May be a secret, such as a key used as a name."
        ),
        FieldInfo(key="password", label="Password", help="May be a secret, or empty."),
    ),
    sensitive="password",
    make=_make,
    headers=_headers,
    check=_check,
)
