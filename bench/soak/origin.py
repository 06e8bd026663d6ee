"""The sources of the soak test, in one process: good, slow, broken and recovering ones.

The first part of the path says how the source behaves; see :data:`BEHAVIOURS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable

Writer = asyncio.StreamWriter
HANGING = 3600.0
OUT_OF_ORDER = 20
"""Seconds of each minute for which the recovering source fails."""
_HEAD = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n4 0 obj<<>>stream\n"
)
_TAIL = b"\nendstream endobj\ntrailer<</Root 1 0 R/Size 5>>\n%%EOF\n"


def document(size: int) -> bytes:
    """Return a PDF with one empty page, of *size* bytes that don't shrink."""
    return _HEAD + random.Random(1).randbytes(size - len(_HEAD) - len(_TAIL)) + _TAIL


PDF = document(60_000)
LARGE = document(3_000_000)


async def respond(
    writer: Writer, body: bytes, *, status: str = "200 OK", kind: str = "application/pdf"
) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def good(writer: Writer) -> None:
    await respond(writer, PDF)


async def large(writer: Writer) -> None:
    await respond(writer, LARGE)


async def find(writer: Writer) -> None:
    await respond(writer, b'{"items": [{"id": "7"}]}', kind="application/json")


async def missing(writer: Writer) -> None:
    await respond(writer, b"no such document", status="404 Not Found", kind="text/plain")


async def error(writer: Writer) -> None:
    await respond(writer, b"out of order", status="500 Internal Server Error", kind="text/plain")


async def sign_in_page(writer: Writer) -> None:
    await respond(writer, b"<!doctype html><form>Sign in</form>", kind="text/html")


async def hang(_: Writer) -> None:
    await asyncio.sleep(HANGING)


async def cut_short(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + PDF[:9000])
    await writer.drain()
    writer.close()


async def reset(writer: Writer) -> None:
    writer.transport.abort()


async def drip(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    for byte in PDF:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def recovering(writer: Writer) -> None:
    """Fail at the beginning of each minute, so that the breaker opens and closes."""
    await (error if time.time() % 60 < OUT_OF_ORDER else good)(writer)


BEHAVIOURS: dict[str, Callable[[Writer], Awaitable[None]]] = {
    "good": good,
    "large": large,
    "find": find,
    "missing": missing,
    "error": error,
    "sign-in-page": sign_in_page,
    "hang": hang,
    "cut-short": cut_short,
    "reset": reset,
    "drip": drip,
    "recovering": recovering,
}


async def serve_one(reader: asyncio.StreamReader, writer: Writer) -> None:
    with contextlib.suppress(OSError, EOFError):
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            behaviour = head.split(b" ", 2)[1].decode().split("/")[1]
            await BEHAVIOURS.get(behaviour, missing)(writer)
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve_one, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
