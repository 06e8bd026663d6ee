"""A key in a header with a name of the system's own."""

from __future__ import annotations

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import field_text, shown_field
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
)
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.field import FieldInfo


def _make(filled: FilledPlan) -> Authenticator:
    name, value = filled["name"], filled["value"]
    return FixedAuthenticator(lambda request: with_header(request, name, value))


def _headers(plan: AuthenticationPlan) -> ShownPairs:
    return ((field_text(plan, "name"), shown_field(plan, "value")),)


SCHEME = Scheme(
    name="header",
    title="Key in a header",
    help="A header with a name of the system's own.",
    fields=(
        FieldInfo(
            key="name", label="Header", help="Such as X-Api-Key.", kind="header-name", required=True
        ),
        FieldInfo(
            key="value",
            label="Value",
            help="The key, and any words around it.",
            kind="header-text",
            required=True,
        ),
    ),
    sensitive="value",
    make=_make,
    headers=_headers,
)
