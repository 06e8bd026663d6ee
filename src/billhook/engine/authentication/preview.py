"""The preview of authentication: headers and parameters that it adds, with secrets masked."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from billhook.engine.authentication.scheme import AuthenticationPlan
from billhook.engine.command.preview import MaskedRequest
from billhook.engine.secret import MASK
from billhook.engine.tokens.template import Shown, ShownPiece, Template
from billhook.engine.tokens.values import Given, Values


def with_authentication(request: MaskedRequest, plan: AuthenticationPlan) -> MaskedRequest:
    """Return *request* with the headers and parameters of *plan*, if it is authenticated."""
    if not request.authenticate:
        return request
    pieces = list(request.url.pieces)
    for name, value in plan.scheme.parameters(plan):
        joint = "&" if "?" in Shown(pieces=tuple(pieces)).text else "?"
        pieces += [ShownPiece(text=f"{joint}{quote(name, safe='')}="), *value.pieces]
    added = plan.scheme.headers(plan)
    names = {name.lower() for name, _ in added}
    kept = tuple(header for header in request.headers if header[0].lower() not in names)
    return replace(request, url=Shown(pieces=tuple(pieces)), headers=(*kept, *added))


def field_text(plan: AuthenticationPlan, key: str) -> str:
    """Return the text of a field that holds no secret."""
    return shown_field(plan, key).text


def shown_field(plan: AuthenticationPlan, key: str) -> Shown:
    """Return the text of a field, with its secrets masked."""
    return shown_template(plan.fields[key].template)


def shown_template(template: Template) -> Shown:
    """Return the text of *template* with all its tokens masked."""
    masked = Given(text="", quoted=True, secret=True)
    return template.shown(Values({name: masked for _, _, name in template.pieces}))


def masked(before: str = "") -> Shown:
    """Return a mask, with the text *before* it."""
    pieces = [ShownPiece(text=before)] if before else []
    return Shown(pieces=(*pieces, ShownPiece(text=MASK, is_secret=True)))


def plain(text: str) -> Shown:
    """Return *text* as it is."""
    return Shown(pieces=(ShownPiece(text=text),))
