"""Middleware around every page: our own headers, the known hosts, and a full database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict

from billhook.portal.handover.framing import CONTENT_SECURITY_POLICY, is_framed
from billhook.portal.limits.counters import CannotWrite
from billhook.portal.project.errors import cannot_write

_PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class OwnHeaders:
    """Set the headers that every response needs, so that nothing inside can weaken them."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*, and add our headers."""
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("Permissions-Policy", _PERMISSIONS)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not is_framed(response):
            headers.setdefault("X-Frame-Options", "DENY")
        if not response.streaming:
            headers.setdefault("Cache-Control", "private, no-store")
            headers["Content-Length"] = str(len(response.content))
        return response


class KnownHost:
    """Refuse requests whose Host header isn't ours, before anything makes a link of it."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*, or with 400."""
        request.get_host()  # raises DisallowedHost
        return self.get_response(request)


class NoNul:
    """Refuse requests with a NUL in the address, a cookie or a field: PostgreSQL stores none."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*, or with 400."""
        _refuse_nul([request.path_info, *request.COOKIES.values(), *_texts_of(request.GET)])
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Refuse a form with a NUL. Django takes it out of the names of files."""
        _refuse_nul(_texts_of(request.POST))


def _texts_of(fields: QueryDict) -> Iterator[str]:
    for name, values in fields.lists():
        yield name
        yield from map(str, values)


def _refuse_nul(texts: Iterable[str]) -> None:
    if any("\0" in text for text in texts):
        raise SuspiciousOperation("a field contains NUL")


class SaysWhenItCannotWrite:
    """Respond with 503 if an attempt can't be counted, instead of letting it pass uncounted."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Respond with 503 if *exception* says that the database accepts no changes."""
        return cannot_write(request) if isinstance(exception, CannotWrite) else None
