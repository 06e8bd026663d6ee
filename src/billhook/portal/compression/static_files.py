"""Serves static files, each compressed once in a process and kept in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.cache import get_conditional_response
from whitenoise.middleware import WhiteNoiseMiddleware

from billhook.portal.compression.accept_encoding import Coding, preferred_coding
from billhook.portal.compression.codings import compress_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A static file in one coding, and its own ETag."""

    content: bytes
    coding: Coding
    etag: str


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, which finds the files, their types and how long they are kept; we encode them.

    WhiteNoise itself ignores weights (``gzip;q=0``), gives each coding of a file the same ETag, and
    cuts ranges out of whichever coding it chose. These files are small: ranges are ignored.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Return the response to a *request* for *static_file*."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        path, headers = static_file.get_path_and_headers({})
        variant = variant_of(path, preferred_coding(request.headers.get("Accept-Encoding", "")))
        response = _with_headers(variant, dict(headers))
        conditional = get_conditional_response(request, variant.etag, None, response)
        assert isinstance(conditional, HttpResponse)  # noqa: S101 - one of two, both are
        return conditional


def _with_headers(variant: Variant, headers: dict[str, str]) -> HttpResponse:
    response = HttpResponse(variant.content, content_type=headers["Content-Type"])
    response.headers["Cache-Control"] = headers["Cache-Control"]
    response.headers["Content-Length"] = str(len(variant.content))
    response.headers["ETag"] = variant.etag
    response.headers["Vary"] = "Accept-Encoding"
    if variant.coding is not Coding.IDENTITY:
        response.headers["Content-Encoding"] = variant.coding.value
    return response


@cache
def variant_of(path: str, coding: Coding) -> Variant:
    """Return the file *path* in *coding*, or as it is where that isn't longer."""
    plain = Path(path).read_bytes()
    compressed = compress_file(plain, coding)
    if len(compressed) >= len(plain):
        compressed, coding = plain, Coding.IDENTITY
    digest = hashlib.sha256(compressed).hexdigest()[:20]
    return Variant(content=compressed, coding=coding, etag=f'"{digest}"')
