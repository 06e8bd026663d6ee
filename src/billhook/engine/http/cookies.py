"""Cookies of one run or one session: each goes back to the origin that set it, and to no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from billhook.engine.cookie import MAX_COOKIES, cookie_header, cookie_pairs, set_cookies
from billhook.engine.egress.url import Origin
from billhook.engine.http.request import WebRequest

_NONE: Final[Mapping[str, str | None]] = MappingProxyType({})


class CookieJar:
    """Cookies by the origin that set them. Path, domain and the other attributes don't count."""

    __slots__ = ("_by_origin",)

    def __init__(self) -> None:
        self._by_origin: dict[Origin, dict[str, str | None]] = {}

    def take(self, origin: Origin, headers: Iterable[tuple[str, str]]) -> None:
        """Take the cookies that *headers* of a response of *origin* set."""
        found = set_cookies(headers)
        if found:
            kept = self._by_origin.get(origin, {}) | found
            self._by_origin[origin] = dict(list(kept.items())[:MAX_COOKIES])

    def of(self, origin: Origin) -> Mapping[str, str | None]:
        """Return the cookies that *origin* has set, by name; None for one that it has ended."""
        return self._by_origin.get(origin, _NONE) if self._by_origin else _NONE

    def forget(self, origin: Origin) -> None:
        """Forget the cookies of *origin*."""
        self._by_origin.pop(origin, None)

    @property
    def values(self) -> list[str]:
        """The values of all cookies."""
        values = [each for cookies in self._by_origin.values() for each in cookies.values()]
        return [value for value in values if value]


def with_cookies(request: WebRequest, cookies: Mapping[str, str | None]) -> WebRequest:
    """Return *request* with *cookies*, which replace those of the same name."""
    if not cookies:
        return request
    present: dict[str, str | None] = {}
    for name, value in request.headers:
        if name.lower() == "cookie":
            present |= cookie_pairs(value)
    pairs = [(name, value) for name, value in {**present, **cookies}.items() if value is not None]
    kept = tuple(header for header in request.headers if header[0].lower() != "cookie")
    added = (("Cookie", cookie_header(pairs)),) if pairs else ()
    return replace(request, headers=(*kept, *added))
