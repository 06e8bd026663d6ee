"""A session: a request opens it, and later requests carry the values of its response."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.preview import shown_template
from billhook.engine.authentication.scheme import (
    WHERE,
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
)
from billhook.engine.command.scope import SESSION
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
    headers = plan.session.headers if plan.session else ()
    return tuple((name, shown_template(template)) for name, template in headers)


def _notes(plan: AuthenticationPlan) -> Iterable[Problem]:
    for note in plan.session.command.notes if plan.session else ():
        yield replace(note, where=note.where.replace(f"commands.{SESSION}", f"{WHERE}.request", 1))


SCHEME = Scheme(
    name="session",
    title="A session that is opened first",
    help="The response to a first request gives a session, which is used until it is refused.",
    fields=(
        FieldInfo(
            key="kept",
            label="Kept for",
            help="The longest time for which a session is used.",
            kind="seconds",
        ),
    ),
    parts=("request", "headers", "refused_when"),
    make=_make,
    headers=_headers,
    notes=_notes,
)
