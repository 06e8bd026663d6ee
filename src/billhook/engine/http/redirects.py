"""Redirects, followed by hand: which request comes next, what it may still carry, and when to stop.

Nothing is sent here. The request that follows is made from the one before it, so what was dropped
at one hop can't come back at the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from billhook.engine.cookie import set_cookies
from billhook.engine.egress.address import read_address
from billhook.engine.egress.guard import judge_redirect
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import MAX_LOCATION_LENGTH, Origin, Url, parse_url
from billhook.engine.errors import DeniedPlace
from billhook.engine.http.cookies import with_cookies
from billhook.engine.http.request import WebRequest
from billhook.engine.verdict import Verdict

MAX_REDIRECTS: Final = 3

_SEE_OTHER: Final = 303
_POST_BECOMES_GET: Final = frozenset({301, 302})


def follow_redirect(
    trail: Sequence[WebRequest],
    *,
    status: int,
    headers: Sequence[tuple[str, str]],
    policy: EgressPolicy,
) -> WebRequest | Verdict:
    """Return the request that a redirect asks for, or the verdict that forbids it.

    *trail* holds the configured request and those that redirects led to, the oldest first;
    *headers* are those of the response to the last one. The target is judged by the whole policy,
    but its name is not looked up yet. Cookies that the response sets go along to the same origin.
    """
    if len(trail) > MAX_REDIRECTS:
        return Verdict.DENIED_REDIRECT_LIMIT
    locations = [value for name, value in headers if name.lower() == "location"]
    if len(locations) != 1:
        return Verdict.DENIED_LOCATION  # none, or several that readers choose from differently
    request = trail[-1]
    previous = parse_url(request.url, limit=MAX_LOCATION_LENGTH)
    if isinstance(previous, Verdict):
        return previous
    target = judge_redirect(previous, locations[0], policy)
    if isinstance(target, Verdict):
        return target
    same = target.origin == previous.origin
    following = _following_request(request, status, target, same=same)
    following = with_cookies(following, set_cookies(headers) if same else {})
    if following.sign_again is not None:
        following = following.sign_again(following)
    if any(_asks_the_same(each, following) for each in trail):
        return Verdict.DENIED_REDIRECT_LOOP
    return following


def redirect_place(request: WebRequest, headers: Sequence[tuple[str, str]]) -> DeniedPlace | None:
    """Return the host and port to which a redirect of *request* leads, if that can be read."""
    locations = [value for name, value in headers if name.lower() == "location"]
    previous = parse_url(request.url, limit=MAX_LOCATION_LENGTH)
    if len(locations) != 1 or not locations[0] or isinstance(previous, Verdict):
        return None
    target = read_address(locations[0], previous)
    return None if isinstance(target, Verdict) else DeniedPlace(host=target.host, port=target.port)


def _asks_the_same(one: WebRequest, other: WebRequest) -> bool:
    """Compare two requests. With another cookie, the same address may have another response."""
    return _asked(one) == _asked(other)


def _asked(request: WebRequest) -> tuple[str, Origin, str, list[str]]:
    cookies = [value for name, value in request.headers if name.lower() == "cookie"]
    return request.method, request.origin, request.target, cookies


def _following_request(request: WebRequest, status: int, target: Url, *, same: bool) -> WebRequest:
    method = _next_method(request.method, status)
    keeps_body = same and method == request.method
    headers = request.headers if same else ()
    return replace(
        request,
        method=method,
        url=target.text,
        origin=target.origin,
        target=target.target,
        headers=headers if keeps_body else _without_body_headers(headers),
        body=request.body if keeps_body else None,
        carries_secret=request.carries_secret and same,
        led_from=request.origin,
        sign_again=request.sign_again if same else None,
    )


def _next_method(method: str, status: int) -> str:
    """Choose the method as browsers do (Fetch, 4.4): only 307 and 308 promise to keep it."""
    if status == _SEE_OTHER or (status in _POST_BECOMES_GET and method == "POST"):
        return "GET"
    return method


def _without_body_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Drop what describes a body (Content-Type, …) from a request that has none."""
    return tuple(
        (name, value) for name, value in headers if not name.lower().startswith("content-")
    )
