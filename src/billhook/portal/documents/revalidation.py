"""A transport that downloads a document only if the kept copy has changed (RFC 9110, 13.1.2).

The response that contained a document is remembered by its request and its ETag. The same request
is sent with If-None-Match; if the source responds with 304, the kept bytes replace the response and
are judged like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from django.utils.crypto import salted_hmac

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.portal.documents.cache import CacheKey, DocumentCache, Kept
from billhook.portal.storage.threads import in_storage_thread

_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,200}"', re.ASCII)
_OK, _UNCHANGED = 200, 304


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A response that can be asked for again: its bytes, its ETag, and a digest of its request."""

    body: Body
    etag: str
    request: str


class RevalidatingTransport:
    """Passes exchanges on to *inner*; *kept* is the copy of an earlier run, if any."""

    def __init__(
        self, inner: Transport, *, cache: DocumentCache, key: CacheKey, kept: Kept | None
    ) -> None:
        self._inner = inner
        self._cache = cache
        self._key = key
        self._kept = kept
        self._unchanged: Body | None = None
        self._last: Named | None = None

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        digest = _digest(request)
        asked = self._conditional(request, digest)
        response = await self._inner.exchange(asked, terms)
        if asked is not request and response.status == _UNCHANGED:
            response.body.close()
            body = await self._kept_body()
            if body is not None:
                return replace(response, status=_OK, body=body)
            response = await self._inner.exchange(request, terms)
        self._last = _named(response, digest)
        return response

    def is_unchanged(self, document: Document) -> bool:
        """Return whether *document* is the kept one, as the source has just confirmed."""
        return self._unchanged is not None and document.body is self._unchanged

    def name_of(self, document: Document) -> Named | None:
        """Return how to ask for *document* again, if it is the whole of the last response."""
        is_last = self._last is not None and self._last.body is document.body
        return self._last if is_last else None

    def _conditional(self, request: WebRequest, digest: str) -> WebRequest:
        kept = self._kept
        if kept is None or not kept.etag or not digest or digest != kept.request:
            return request
        return replace(request, headers=(*request.headers, ("If-None-Match", kept.etag)))

    async def _kept_body(self) -> Body | None:
        assert self._kept is not None  # noqa: S101 - else nothing conditional was asked
        self._unchanged = await in_storage_thread(self._cache.open, self._kept, self._key)
        return self._unchanged


def _digest(request: WebRequest) -> str:
    """Return a digest of *request*; nothing for one that can't be asked with a condition.

    It is keyed, since headers and URL may hold a secret.
    """
    has_condition = any(name.lower().startswith("if-") for name, _ in request.headers)
    if request.method != "GET" or request.complete is not None or has_condition:
        return ""
    parts = [request.url, *(part for pair in request.headers for part in pair)]
    return salted_hmac("billhook.request", "\0".join(parts), algorithm="sha256").hexdigest()


def _named(response: Response, digest: str) -> Named | None:
    tags = [value.strip() for name, value in response.headers if name.lower() == "etag"]
    if response.status != _OK or not digest or len(tags) != 1 or not _ETAG.fullmatch(tags[0]):
        return None
    return Named(body=response.body, etag=tags[0], request=digest)
