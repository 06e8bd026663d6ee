"""Asks an ASGI application directly, as a server would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class Answer:
    """The response to a request."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def header(self, name: str) -> str | None:
        values = [value.decode() for key, value in self.headers if key == name.encode()]
        assert len(values) < 2, f"{name} came more than once"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value.decode() for key, value in self.headers if key == name.encode()]


@dataclass
class Browser:
    """One connection: it gives the request's body, takes the answer, and can leave."""

    pieces: list[bytes]
    answer: Answer = field(default_factory=Answer)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self):
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await asyncio.sleep(0)
        if message["type"] == "http.response.start":
            self.answer.status, self.answer.headers = message["status"], list(message["headers"])
            return
        self.answer.pieces.append(message.get("body", b""))
        self.answer.ended = not message.get("more_body", False)


def scope(method, path, *, headers=(), query=b"", client=("127.0.0.1", 50000)):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": client,
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "http_version": "1.1",
    }


async def ask(application, method, path, *, pieces=(b"",), **more) -> Answer:
    browser = Browser(list(pieces))
    await application(scope(method, path, **more), browser.receive, browser.send)
    return browser.answer
