"""OAuth 1.0a: each request is signed in an Authorization header (RFC 5849)."""

from __future__ import annotations

import logging
from typing import Final

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import masked
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
    UnfitField,
)
from billhook.engine.authentication.signed_request import encode_query, with_header, with_target
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.field import FieldInfo
from billhook.engine.http.request import WebRequest

_FORM: Final = "application/x-www-form-urlencoded"
# at level DEBUG it logs the text that it signs, and with it tokens and bodies
logging.getLogger("oauthlib").setLevel(logging.WARNING)


def _make(filled: FilledPlan) -> Authenticator:
    from oauthlib.oauth1 import Client

    realm = filled["realm"]
    if '"' in realm or "\\" in realm:
        raise UnfitField("realm", "can't hold a quote or a backslash.")
    client = Client(
        filled["consumer_key"],
        client_secret=filled["consumer_secret"],
        resource_owner_key=filled["token"] or None,
        resource_owner_secret=filled["token_secret"] or None,
        realm=realm or None,
        signature_method=filled["digest"],
    )

    def sign(request: WebRequest) -> WebRequest:
        path, mark, query = request.target.partition("?")
        request = with_target(request, f"{path}{mark}{encode_query(query)}")
        form = _form_body(request)
        headers = {"Content-Type": _FORM} if form else {}
        try:
            _, signed, _ = client.sign(
                request.url, request.method, form, headers, realm=realm or None
            )
        except ValueError:
            raise AuthenticationFailed(
                "OAuth 1.0a can't sign the request's form: "
                "all its parameters must be percent-encoded."
            ) from None
        return with_header(request, "Authorization", signed["Authorization"])

    return FixedAuthenticator(sign)


def _form_body(request: WebRequest) -> str | None:
    """Return the body if it is a form, whose parameters are signed too."""
    types = [value for name, value in request.headers if name.lower() == "content-type"]
    is_form = bool(types) and types[0].partition(";")[0].strip().lower() == _FORM
    return request.body.decode() if is_form and request.body else None


def _headers(_: AuthenticationPlan) -> ShownPairs:
    return (("Authorization", masked("OAuth ")),)


SCHEME = Scheme(
    name="oauth1",
    title="OAuth 1.0a signature",
    help="Each request is signed (RFC 5849); NetSuite calls this token-based authentication.",
    fields=(
        FieldInfo(
            key="consumer_key",
            label="Consumer key",
            help="Identifies the application.",
            required=True,
        ),
        FieldInfo(
            key="consumer_secret",
            label="Consumer secret",
            help="The application's secret.",
            kind="secret",
            required=True,
        ),
        FieldInfo(key="token", label="Token", help="Identifies the person."),
        FieldInfo(
            key="token_secret", label="Token secret", help="The person's secret.", kind="secret"
        ),
        FieldInfo(key="realm", label="Realm", help="NetSuite: the account ID.", kind="header-text"),
        FieldInfo(
            key="digest",
            label="Signature method",
            help="The algorithm of the signature.",
            kind="choice",
            default="HMAC-SHA256",
            choices=("HMAC-SHA256", "HMAC-SHA1"),
        ),
    ),
    unsent=frozenset({"consumer_secret", "token_secret"}),
    make=_make,
    headers=_headers,
)
