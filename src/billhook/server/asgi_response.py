"""Sends Django's responses: at once where the content is there, else stream by stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from billhook.gateway.response import Send
from billhook.server.threads import DatabaseThreads

SHORT_STREAM: Final = 256 * 1024
"""Streams with at most this Content-Length are sent at once: no thread waits for them."""


def ready_content(response: HttpResponseBase) -> bytes | None:
    """Return the content if it is loaded, or that of a short file; else None. For a thread."""
    if isinstance(response, HttpResponse):
        return response.content
    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        return b"".join(response) if _is_short(response) else None
    return None


def _is_short(response: StreamingHttpResponse) -> bool:
    length = response.headers.get("Content-Length", "")
    return length.isdigit() and int(length) <= SHORT_STREAM


async def send_content(response: HttpResponseBase, content: bytes, send: Send) -> None:
    """Send the head of *response*, and *content* as its body."""
    await _send_head(response, send)
    await send({"type": "http.response.body", "body": content})


async def send_stream(
    response: StreamingHttpResponse, send: Send, *, threads: DatabaseThreads
) -> None:
    """Send *response* chunk by chunk, and close it; a synchronous one from one of *threads*."""
    await _send_head(response, send)
    if not response.is_async:
        await threads.run(_send_from_thread, response, _sender(send))
        return
    try:
        async for piece in response:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})
    finally:
        response.close()


def _send_from_thread(response: StreamingHttpResponse, send: Callable[..., None]) -> None:
    """Send a synchronous stream from first to last in this one thread, as it may hold a query."""
    try:
        for piece in response:
            send(type="http.response.body", body=piece, more_body=True)
        send(type="http.response.body")
    finally:
        response.close()


def _sender(send: Send) -> Callable[..., None]:
    """Return a function for a thread: it sends from the event loop, and waits until it is sent."""
    loop = asyncio.get_running_loop()

    async def send_on_loop(message: dict[str, Any]) -> None:
        await send(message)

    def send_from_thread(**message: Any) -> None:
        asyncio.run_coroutine_threadsafe(send_on_loop(message), loop).result()

    return send_from_thread


async def _send_head(response: HttpResponseBase, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [*_headers(response), *_cookies(response)],
        }
    )


def _headers(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    items = cast("list[tuple[str, str]]", response.items())
    return [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in items]


def _cookies(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    cookies = response.cookies.values()
    return [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in cookies]
