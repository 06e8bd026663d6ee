"""Adds to a filled request what Billhook sets: the position, the size, the time, another URL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from billhook.engine.egress.url import MAX_LOCATION_LENGTH, Origin, parse_url
from billhook.engine.errors import RESPONSE, ListUnreadable, denied
from billhook.engine.http.request import WebRequest
from billhook.engine.listing.listing import Param
from billhook.engine.listing.paging.json_place import read_json_place, set_json_value
from billhook.engine.verdict import Verdict

Amend = Callable[[WebRequest], WebRequest]
_NOT_JSON: Final = "The body of the request isn't JSON, so no parameter could be set in it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """The parameters with their values, headers, and the URL of a next page, if there is one."""

    params: Sequence[tuple[Param, Any]] = ()
    headers: tuple[tuple[str, str], ...] = ()
    url: str = ""
    origins: frozenset[Origin] = frozenset()
    led_from: Origin | None = None

    def apply(self, request: WebRequest) -> WebRequest:
        """Return *request* with all of it; one that awaits a session gets it afterwards."""
        if request.complete is not None:
            complete = request.complete
            away = self._at_url(request) if self.url else request
            return replace(away, complete=lambda session: self._apply(complete(session)))
        return self._apply(request)

    def _apply(self, request: WebRequest) -> WebRequest:
        if self.url:
            request = self._at_url(request)
        for param, value in self.params:
            if param.place == "header":
                request = _with_header(request, param.name, str(value))
            elif not self.url:
                add = _with_query if param.place == "query" else _with_json
                request = add(request, param.name, value)
        for name, text in self.headers:
            request = _with_header(request, name, text)
        return request

    def _at_url(self, request: WebRequest) -> WebRequest:
        """Return *request* at the URL from the response, which must be one of the command's own."""
        url = parse_url(self.url, limit=MAX_LOCATION_LENGTH)
        if isinstance(url, Verdict):
            raise denied(url, came_from=RESPONSE)
        if url.origin not in self.origins:
            raise ListUnreadable(
                "The next page is at another address than the command's own, so it isn't "
                "requested: it would get the credentials."
            )
        return replace(
            request, url=url.text, origin=url.origin, target=url.target, led_from=self.led_from
        )


def _with_query(request: WebRequest, name: str, value: Any) -> WebRequest:
    pair = f"{quote(name, safe='')}={quote(str(value), safe='')}"
    mark = "&" if "?" in request.target else "?"
    return replace(
        request, url=f"{request.url}{mark}{pair}", target=f"{request.target}{mark}{pair}"
    )


def _with_header(request: WebRequest, name: str, value: str) -> WebRequest:
    others = tuple(each for each in request.headers if each[0].lower() != name.lower())
    return replace(request, headers=(*others, (name, value)))


def _with_json(request: WebRequest, path: str, value: Any) -> WebRequest:
    keys = read_json_place(path) or ()
    try:
        document = json.loads(request.body or b"")
    except ValueError:
        raise ListUnreadable(_NOT_JSON) from None
    if not set_json_value(document, keys, value):
        raise ListUnreadable(f"The body of the request has no place {path}.")
    return replace(request, body=json.dumps(document, ensure_ascii=False).encode())
