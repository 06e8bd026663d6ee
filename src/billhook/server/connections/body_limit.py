"""Judges how long the body of a request for the portal may be, before any of it is read.

Anybody may send a short form, such as the one for signing in. A long body, with a file or a whole
integration in it, is taken only for the members' pages and from somebody who is signed in as a
member; and from a program, with a key, for the API. The gateway judges its own bodies.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.urls import Resolver404, resolve

from billhook.portal.accounts.models import User
from billhook.portal.api.calling_key import authenticate
from billhook.portal.api.json_body import MOST_BYTES
from billhook.portal.api.problems import ApiProblem, is_api
from billhook.portal.organisations.access import memberships_of

Scope = MutableMapping[str, Any]

SHORT: Final = 64_000
LONG: Final = 20_000_000
SHORT_SECONDS: Final = 30.0
LONG_SECONDS: Final = 120.0
EACH: Final = 3
ALL: Final = 30
"""The long bodies that one person, and all of them, may have in hand: 600 MB of temporary files."""
_OF_MEMBERS: Final = "backoffice/"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimit:
    """The bytes that a body may have, and the seconds in which it must arrive.

    With 0 bytes the request gets its response without the body. ``user_id`` is the sender of a long
    one.
    """

    size: int
    seconds: float = SHORT_SECONDS
    user_id: str = ""


NO_BODY: Final = BodyLimit(size=0)
SHORT_BODY: Final = BodyLimit(size=SHORT)


def is_short(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a body is declared as short, or none is: then nothing needs to be judged.

    A body in chunks declares no length, so it counts as long.
    """
    given = dict(headers)
    length = given.get(b"content-length", b"0")
    return b"transfer-encoding" not in given and length.isdigit() and int(length) <= SHORT


def limit_of(scope: Scope) -> BodyLimit:
    """Return the limit of a long body; for a thread, as the session is looked up.

    None is needed to refuse a host, a path or a method, or to ask somebody to sign in.
    """
    try:
        request = ASGIRequest(scope, io.BytesIO())
        request.get_host()
        page = resolve(request.path_info)
    except (DisallowedHost, Resolver404, UnicodeDecodeError):
        return NO_BODY
    if is_api(request):
        return _limit_of_key(request)
    if request.method != "POST":
        return NO_BODY
    if not getattr(page.func, "login_required", True):
        return SHORT_BODY
    try:
        return _limit_of_user(request, page.route)
    except DatabaseError:
        return NO_BODY  # the page will say that the database is away


def _limit_of_key(request: ASGIRequest) -> BodyLimit:
    """Return the limit of a call: a long body only with a key that works."""
    try:
        key = authenticate(request)
    except (ApiProblem, DatabaseError):
        return NO_BODY  # the API will say what is wrong
    return BodyLimit(size=MOST_BYTES, seconds=SHORT_SECONDS, user_id=key.row.id)


def _limit_of_user(request: ASGIRequest, route: str) -> BodyLimit:
    user = _user_of(request)
    if user is None:
        return NO_BODY
    if not route.startswith(_OF_MEMBERS) or not memberships_of(user).exists():
        return SHORT_BODY
    return BodyLimit(size=LONG, seconds=LONG_SECONDS, user_id=user.id)


def _user_of(request: ASGIRequest) -> User | None:
    """Return who is signed in, as Django's middleware finds out later."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) else None


class TooManyBodies(Exception):
    """Too many long bodies are in hand already."""

    status = 503
    public_message = "Too many uploads are in progress. Try again in a minute."


class LongBodies:
    """Counts the long bodies in hand, so that a few people can't fill the temporary folder."""

    def __init__(self, *, each: int = EACH, all_together: int = ALL) -> None:
        self._each = each
        self._all = all_together
        self._in_hand: Counter[str] = Counter()

    @contextmanager
    def room(self, limit: BodyLimit) -> Iterator[None]:
        """Count a body with this *limit* within the block; raise TooManyBodies without room."""
        who = limit.user_id
        if not who:
            yield
            return
        if self._in_hand[who] >= self._each or self._in_hand.total() >= self._all:
            raise TooManyBodies
        self._in_hand[who] += 1
        try:
            yield
        finally:
            self._in_hand[who] -= 1
            self._in_hand += Counter()  # drops those who have none
