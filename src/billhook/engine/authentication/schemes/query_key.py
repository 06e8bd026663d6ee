"""A key as a parameter of the URL."""

from __future__ import annotations

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import field_text, shown_field
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
)
from billhook.engine.authentication.signed_request import with_parameter
from billhook.engine.field import FieldInfo


def _make(filled: FilledPlan) -> Authenticator:
    name, value = filled["name"], filled["value"]
    return FixedAuthenticator(lambda request: with_parameter(request, name, value))


def _parameters(plan: AuthenticationPlan) -> ShownPairs:
    return ((field_text(plan, "name"), shown_field(plan, "value")),)


SCHEME = Scheme(
    name="query",
    title="Key in the URL",
    help="A parameter at the end of each request's URL.",
    fields=(
        FieldInfo(key="name", label="Parameter", help="Such as api_key.", required=True),
        FieldInfo(key="value", label="Value", help="The key.", required=True),
    ),
    sensitive="value",
    make=_make,
    parameters=_parameters,
)
