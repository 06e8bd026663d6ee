"""The last response of a test, for the raw facts and a short preview of its text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from billhook.engine.egress.url import Origin
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response, Transport
from billhook.engine.secret import Secret
from billhook.engine.tokens.masking import mask

EXCERPT: Final = 2_000
"""Characters of a response's text that are shown."""
_KEPT: Final = 64_000
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TITLE: Final = re.compile(r"<title[^>]*>\s*([^<]{1,200})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The facts of a response: its status, the names of its headers, its size, its beginning."""

    status: int
    header_names: tuple[str, ...]
    size: int
    origin: Origin
    head: bytes


class ObservingTransport:
    """Passes exchanges on, and keeps the facts of the last response in :attr:`observed`.

    ``origins`` are those of each step's responses.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.observed: Observed | None = None
        self.origins: dict[str, set[Origin]] = {}

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*; see :class:`billhook.engine.http.transport.Transport`."""
        self.observed = None
        response = await self._inner.exchange(request, terms)
        self.origins.setdefault(request.step, set()).add(response.origin)
        self.observed = Observed(
            status=response.status,
            header_names=tuple(name for name, _ in response.headers),
            size=response.body.size,
            origin=response.origin,
            head=response.body.head(_KEPT),
        )
        return response


def text_of(observed: Observed, secrets: Iterable[Secret]) -> str | None:
    """Return the beginning of the response if it is text, with *secrets* masked; else None.

    A secret is masked before the text is cut, so that no part of one is left at the end.
    """
    text = _decoded(observed.head)
    if text is None:
        return None
    return mask(text, secrets)[:EXCERPT]


def title_of(text: str) -> str:
    """Return the title of the web page *text*, or nothing."""
    match = _TITLE.search(text)
    return html.unescape(match[1]).strip() if match else ""


def _decoded(head: bytes) -> str | None:
    for cut in range(4):  # the last character may be cut in two
        try:
            text = head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return None if not text or _CONTROL.search(text) else text
    return None
