"""Responses of the API: JSON, with an ETag where it shows one thing, and conditional requests."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from django.http import HttpRequest, HttpResponse

from billhook.portal.api.problems import ApiProblem

if TYPE_CHECKING:  # a server without calls needn't load it
    from pydantic import BaseModel

_JSON: Final = "application/json"
_TAG: Final = re.compile(r'(?:W/)?"[^"]*"')


def shown(
    thing: BaseModel, *, status: int = 200, location: str = "", with_etag: bool = True
) -> HttpResponse:
    """Return *thing* as a response."""
    content = thing.model_dump_json().encode()
    response = HttpResponse(content, status=status, content_type=_JSON)
    if with_etag:
        response["ETag"] = _etag(content)
    if location:
        response["Location"] = location
    return response


def nothing() -> HttpResponse:
    """Return the response of a call that leaves nothing to show."""
    return HttpResponse(status=204)


def require_match(request: HttpRequest, thing: BaseModel) -> None:
    """Raise ApiProblem if If-Match or If-None-Match says that *thing* must be in another state."""
    current = etag_of(thing)
    wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if wanted is not None and not _names(wanted, current):
        raise _changed("It was changed meanwhile: its ETag isn't in If-Match. Read it again.")
    if unwanted is not None and _names(unwanted.replace("W/", ""), current):
        raise _changed("It exists, and If-None-Match says that it must not.")


def require_absence(request: HttpRequest) -> None:
    """Raise ApiProblem if If-Match says that the thing, which doesn't exist, must be in a state."""
    if request.headers.get("If-Match") is not None:
        raise _changed("It doesn't exist, so no ETag in If-Match can be its own.")


def etag_of(thing: BaseModel) -> str:
    """Return the strong entity tag of *thing*: it changes when anything that is shown does."""
    return _etag(thing.model_dump_json().encode())


def not_modified(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return *response*, or 304 if the caller has it already (RFC 9110, 13.1.2)."""
    etag, known = response.get("ETag"), request.headers.get("If-None-Match")
    if request.method not in {"GET", "HEAD"} or not etag or known is None:
        return response
    is_known = _names(known.replace("W/", ""), etag)
    return HttpResponse(status=304, headers={"ETag": etag}) if is_known else response


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in _TAG.findall(header)


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _changed(detail: str) -> ApiProblem:
    return ApiProblem("changed-meanwhile", detail)
