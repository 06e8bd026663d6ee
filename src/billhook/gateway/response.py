"""The responses to callers: a status, our own headers, and the bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from billhook.engine.document_headers import PROTECTIVE, content_disposition
from billhook.gateway.direct import Direct
from billhook.gateway.problem import MEDIA_TYPE, problem_json

if TYPE_CHECKING:
    from billhook.engine.answer.document import Document
    from billhook.engine.body import Body
    from billhook.engine.errors import BillhookError
    from billhook.gateway.errors import GatewayError

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

IN_ONE_PIECE: Final = 1_000_000
"""Documents of up to so many bytes are sent at once; larger ones are read chunk by chunk."""

_OK: Final = 200

OWN_HEADERS: Final[Headers] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    *((name.lower().encode(), value.encode()) for name, value in PROTECTIVE),
)
"""On every response: it is data for the caller, never a page of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """A response that is ready to be sent, once: either ``content`` or the chunks of ``file``."""

    status: int
    code: str
    headers: Headers
    content: bytes = b""
    file: Body | None = None

    async def send(self, send: Send, *, direct: Direct | None = None) -> None:
        """Send it, *direct* if that is possible, and close its body whatever happens."""
        try:
            if direct is not None and self.content and self.status == _OK:
                await direct.send(self.status, self.headers, self.content)
            else:
                await self._send(send)
        finally:
            self.close()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if self.file is not None:
            async for chunk in self.file.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": self.content})

    def close(self) -> None:
        """Close the body; a reply that isn't sent needs this."""
        if self.file is not None:
            self.file.close()


def document_reply(document: Document, *, run_id: str, name: str) -> GatewayResponse:
    """Return *document* as a response with our own headers only, and none of the source's."""
    headers = (
        (b"content-type", document.media_type.encode()),
        (b"content-length", b"%d" % document.size),
        (b"content-disposition", content_disposition(name, download=True).encode()),
        (b"billhook-run", run_id.encode()),
        *OWN_HEADERS,
    )
    if document.size > IN_ONE_PIECE:
        return GatewayResponse(status=200, code="ok", headers=headers, file=document.body)
    with document.body as body:
        return GatewayResponse(status=200, code="ok", headers=headers, content=body.read())


def problem_reply(error: BillhookError | GatewayError, *, run_id: str = "") -> GatewayResponse:
    """Return *error* as a response of ``application/problem+json``."""
    content = problem_json(error, run_id=run_id)
    run = ((b"billhook-run", run_id.encode()),) if run_id else ()
    headers = (
        (b"content-type", MEDIA_TYPE),
        (b"content-length", b"%d" % len(content)),
        *run,
        *getattr(error, "headers", ()),
        *OWN_HEADERS,
    )
    return GatewayResponse(status=error.status, code=error.code, headers=headers, content=content)


def plain_reply(error: BillhookError | GatewayError) -> GatewayResponse:
    """Return *error* as a response of plain text, for people."""
    content = f"{error.public_message}\n".encode()
    headers = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(content)),
        *getattr(error, "headers", ()),
        *OWN_HEADERS,
    )
    return GatewayResponse(status=error.status, code=error.code, headers=headers, content=content)
