"""Rate limits of pages and mail, counted for all processes together."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.core.internal import ratelimit
from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")


def is_within(action: str, rates: str, *, key: str) -> bool:
    """Count one *action* for *key*; return False, and count nothing, beyond *rates* (``5/d/key``).

    An attempt that is undone with its transaction doesn't count.
    """
    config = {action: rates}
    used = ratelimit.consume(HttpRequest(), app="billhook", action=action, config=config, key=key)
    return used is not None


def limited(
    action: str, rates: str
) -> Callable[
    [Callable[Concatenate[HttpRequest, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponse],
]:
    """Respond with 429 if *action* is tried more often than *rates* (``10/m/ip``, ``5/m/user``).

    Viewing a page doesn't count, only sending a form does.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            refused = ratelimit.consume_or_429(
                request, app="billhook", action=action, config={action: rates}
            )
            return refused or view(request, *args, **kwargs)

        return guarded

    return decorate
