"""What a sign-in adds to a request, for people: secrets, tokens and signatures are masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from billhook.engine.authentication.plan import AuthenticationPlan
from billhook.engine.authentication.signing import authorization
from billhook.engine.command.preview import MaskedRequest
from billhook.engine.secret import MASK
from billhook.engine.tokens.template import Shown, ShownPiece, Template
from billhook.engine.tokens.values import Given, Values

Pairs = tuple[tuple[str, Shown], ...]


def shown_headers(plan: AuthenticationPlan) -> Pairs:
    """Return the headers that *plan* adds."""
    return _SHOWN[plan.scheme](plan)


def shown_parameters(plan: AuthenticationPlan) -> Pairs:
    """Return the parameters that *plan* adds to a URL."""
    if plan.scheme != "query":
        return ()
    return ((_text(plan, "name"), _shown(plan.fields["value"].template)),)


def with_authentication(request: MaskedRequest, plan: AuthenticationPlan) -> MaskedRequest:
    """Return *request* with what *plan* adds to it, if the sign-in goes along with it."""
    if not request.authenticate:
        return request
    pieces = list(request.url.pieces)
    for name, value in shown_parameters(plan):
        joint = "&" if "?" in Shown(pieces=tuple(pieces)).text else "?"
        pieces += [ShownPiece(text=f"{joint}{quote(name, safe='')}="), *value.pieces]
    added = shown_headers(plan)
    names = {name.lower() for name, _ in added}
    kept = tuple(header for header in request.headers if header[0].lower() not in names)
    return replace(request, url=Shown(pieces=tuple(pieces)), headers=(*kept, *added))


def _text(plan: AuthenticationPlan, name: str) -> str:
    return _shown(plan.fields[name].template).text


def _shown(template: Template) -> Shown:
    masked = Given(text="", quoted=True, secret=True)
    return template.shown(Values({name: masked for _, _, name in template.pieces}))


def _masked(before: str = "") -> Shown:
    pieces = [ShownPiece(text=before)] if before else []
    return Shown(pieces=(*pieces, ShownPiece(text=MASK, is_secret=True)))


def _plain(text: str) -> Shown:
    return Shown(pieces=(ShownPiece(text=text),))


def _basic(plan: AuthenticationPlan) -> Pairs:  # noqa: ARG001 - as every scheme
    return (("Authorization", _masked("Basic ")),)


def _token(plan: AuthenticationPlan) -> Pairs:
    return (("Authorization", _masked(authorization(_text(plan, "prefix"), "\0").rstrip("\0"))),)


def _header(plan: AuthenticationPlan) -> Pairs:
    return ((_text(plan, "name"), _shown(plan.fields["value"].template)),)


def _nothing(plan: AuthenticationPlan) -> Pairs:  # noqa: ARG001 - as every scheme
    return ()


def _session(plan: AuthenticationPlan) -> Pairs:
    headers = plan.session.headers if plan.session else ()
    return tuple((name, _shown(template)) for name, template in headers)


def _hmac(plan: AuthenticationPlan) -> Pairs:
    signature = (_text(plan, "header"), _masked(_text(plan, "prefix")))
    moment = _text(plan, "timestamp_header")
    return ((moment, _plain("{{Timestamp}}")), signature) if moment else (signature,)


def _webhooks(plan: AuthenticationPlan) -> Pairs:  # noqa: ARG001 - as every scheme
    return (
        ("webhook-id", _plain("msg_{{RunId}}")),
        ("webhook-timestamp", _plain("{{Timestamp}}")),
        ("webhook-signature", _masked("v1,")),
    )


def _aws(plan: AuthenticationPlan) -> Pairs:
    headers: list[tuple[str, Shown]] = [("X-Amz-Date", _plain("{{Timestamp}}"))]
    if plan.fields["session_token"].template.pieces:
        headers.append(("X-Amz-Security-Token", _masked()))
    return (*headers, ("Authorization", _masked("AWS4-HMAC-SHA256 ")))


def _oauth1(plan: AuthenticationPlan) -> Pairs:  # noqa: ARG001 - as every scheme
    return (("Authorization", _masked("OAuth ")),)


_SHOWN: Final[dict[str, Callable[[AuthenticationPlan], Pairs]]] = {
    "basic": _basic,
    "bearer": _token,
    "header": _header,
    "query": _nothing,
    "oauth2-client-credentials": _token,
    "oauth2-refresh-token": _token,
    "oauth2-authorization-code": _token,
    "session": _session,
    "hmac": _hmac,
    "standard-webhooks": _webhooks,
    "aws-sigv4": _aws,
    "oauth1": _oauth1,
}
