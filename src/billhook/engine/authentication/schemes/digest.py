"""User name and password by HTTP Digest (RFC 7616)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from billhook.engine.authentication.authenticator import Authenticator
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
from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo
from billhook.engine.secret import Secret


def _make(filled: FilledPlan) -> Authenticator:
    from billhook.engine.authentication.digest import DigestAuthenticator  # needs the network

    if ":" in filled["username"]:
        raise UnfitField("username", "can't hold a colon, where the realm would begin.")
    return DigestAuthenticator(filled["username"], Secret(filled["password"]))


def _headers(_: AuthenticationPlan) -> ShownPairs:
    return (("Authorization", masked("Digest ")),)


def _check(_: AuthenticationConfig, fields: Mapping[str, CompiledField]) -> Iterable[Problem]:
    username = fields.get("username")
    if username is not None and ":" in username.literal:
        message = "A user name can't hold a colon: the realm would begin there (RFC 7616)."
        yield problem_at("username", "colon", message)


SCHEME = Scheme(
    name="digest",
    title="User name and password (Digest)",
    help="The source sends a challenge, and each request answers it with a hash of the password, "
    "which isn't sent (RFC 7616).",
    fields=(
        FieldInfo(key="username", label="User name", help="May be a secret.", required=True),
        FieldInfo(
            key="password",
            label="Password",
            help="The password.",
            kind="secret",
            required=True,
        ),
    ),
    unsent=frozenset({"password"}),
    make=_make,
    headers=_headers,
    check=_check,
)
