"""A session: requests open it, and all others carry the values and cookies that they give."""

from __future__ import annotations

from collections.abc import Iterable

from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.preview import masked, shown_template
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
)
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo


def _make(filled: FilledPlan) -> Authenticator:
    from billhook.engine.authentication.session_authenticator import (  # needs the network
        SessionAuthenticator,
    )

    assert filled.plan.session is not None  # noqa: S101 - a plan of this scheme has one; for mypy
    kept = filled["kept"]
    return SessionAuthenticator(
        filled.plan.session,
        secrets=filled.secrets,
        given=filled.given,
        kept=float(kept) if kept else None,
    )


def _headers(plan: AuthenticationPlan) -> ShownPairs:
    if plan.session is None:
        return ()
    headers = tuple((name, shown_template(template)) for name, template in plan.session.headers)
    return (*headers, ("Cookie", masked())) if plan.session.cookies else headers


def _notes(plan: AuthenticationPlan) -> Iterable[Problem]:
    return plan.session.command.notes if plan.session else ()


SCHEME = Scheme(
    name="session",
    title="A session that is opened first",
    help="One or more requests open a session, which is used until it is refused: values of their "
    "responses, cookies, or both.",
    fields=(
        FieldInfo(
            key="cookies",
            label="Send the cookies of the session",
            help="The cookies that the responses set go along with every request to the same "
            "origin.",
            kind="boolean",
            default=False,
        ),
        FieldInfo(
            key="kept",
            label="Kept for",
            help="The longest time for which a session is used.",
            kind="seconds",
        ),
        FieldInfo(
            key="redirects",
            label="Redirects of its requests",
            help="Whether redirects are followed when the session is opened. If not, the redirect "
            "itself is the response that counts.",
            kind="choice",
            default="deny",
            choices=("deny", "follow"),
            words=("Don't follow", "Follow, at most three"),
        ),
    ),
    parts=("requests", "headers", "derive", "refused_when"),
    sends_issued=True,
    make=_make,
    headers=_headers,
    notes=_notes,
)
