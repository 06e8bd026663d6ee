"""Compresses pages, except where their length could give a secret away (BREACH).

An attacker who watches the length of compressed pages, and has a victim's browser ask for them with
guesses in the query, learns a secret of the page guess by guess. So a page isn't compressed where
its request carries text that another site may have chosen, or where a view says that it holds a
secret. Every other page gets a random length added, and Django masks its form token each time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from billhook.portal.compression.accept_encoding import (
    Coding,
    preferred_coding,
    refuses_identity,
)
from billhook.portal.compression.codings import compress_page
from billhook.portal.documents.response import DocumentResponse

SHORTEST: Final = 200
"""Bytes below which compression isn't worth its headers."""
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_KINDS: Final = frozenset(
    {
        "application/json",
        "application/toml",
        "text/csv",
        "text/html",
        "text/plain",
    }
)
_Response = TypeVar("_Response", bound=HttpResponseBase)


class CompressPages:
    """Compresses each page that may be, with the coding that the browser prefers."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to *request*, compressed. A document's never is."""
        response = self.get_response(request)
        if isinstance(response, DocumentResponse):
            response.when_opened(partial(compress_failure, request))
        elif isinstance(response, HttpResponse):
            _compress(request, response)
        return response


def never_compressed(response: _Response) -> _Response:
    """Keep Billhook and proxies from compressing *response*: it shows a secret."""
    patch_cache_control(response, private=True, no_store=True, no_transform=True)
    return response


def compress_failure(request: HttpRequest, opened: HttpResponseBase) -> None:
    """Compress the page that replaced a document."""
    if isinstance(opened, HttpResponse) and _kind(opened) == "text/html":
        _compress(request, opened)


def _compress(request: HttpRequest, response: HttpResponse) -> None:
    if response.has_header("Content-Encoding") or _kind(response) not in _KINDS:
        return
    if _may_carry_foreign_text(request):
        never_compressed(response)
    if "no-transform" in response.get("Cache-Control", ""):
        return
    patch_vary_headers(response, ["Accept-Encoding"])
    accepted = request.headers.get("Accept-Encoding", "")
    coding = preferred_coding(accepted)
    if coding is not Coding.IDENTITY:
        _encode(response, coding, at_any_size=refuses_identity(accepted))


def _encode(response: HttpResponse, coding: Coding, *, at_any_size: bool) -> None:
    content = response.content
    if not content or (len(content) < SHORTEST and not at_any_size):
        return
    compressed = compress_page(content, coding)
    if len(compressed) >= len(content) and not at_any_size:
        return
    response.content = compressed
    response.headers["Content-Encoding"] = coding.value
    response.headers["Content-Length"] = str(len(compressed))
    etag = response.get("ETag", "")
    if etag.startswith('"'):  # strong: for these very bytes, which are others each time
        response.headers["ETag"] = f"W/{etag}"


def _kind(response: HttpResponseBase) -> str:
    return response.get("Content-Type", "").partition(";")[0].strip().lower()


def _may_carry_foreign_text(request: HttpRequest) -> bool:
    """Return whether another site may have chosen the query or body of *request*.

    Every browser since 2023 says over https who made a request. Where none says it, nobody knows.
    """
    has_text = bool(request.META.get("QUERY_STRING")) or request.method not in {"GET", "HEAD"}
    return has_text and request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITES
