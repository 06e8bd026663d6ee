"""The Content-Security-Policy of pages: no other may frame one, unless a response says which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from django.http.response import HttpResponseBase

from billhook.portal.documents.response import DocumentResponse

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_DIRECTIVE: Final = re.compile(r"frame-ancestors [^;]*")
_POLICY: Final = "Content-Security-Policy"


def let_embed(response: HttpResponseBase, parents: Sequence[str]) -> None:
    """Let pages of *parents*, and ours within them, show *response*.

    A document that is still to be fetched gets the same when it is there.
    """
    if not parents:
        return
    directive = f"frame-ancestors 'self' {' '.join(parents)}"

    def finish(opened: HttpResponseBase) -> None:
        own = opened.headers.get(_POLICY, CONTENT_SECURITY_POLICY)
        opened.headers[_POLICY] = _DIRECTIVE.sub(directive, own)

    finish(response)
    response.is_framed = True  # type: ignore[attr-defined]
    if isinstance(response, DocumentResponse):
        response.when_opened(finish)


def is_framed(response: HttpResponseBase) -> bool:
    """Return whether other sites' pages may show *response*: its policy says which."""
    return getattr(response, "is_framed", False)
