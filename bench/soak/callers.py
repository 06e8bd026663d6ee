"""The callers of the soak test: programs, contacts, members, and those who behave badly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 30.0
_IMAGE = re.compile(rb'src="([^"]+/page/\d+\.png)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Counts:
    """Responses of the callers: statuses by kind of caller, and the runs among them."""

    statuses: Counter[str] = field(default_factory=Counter)
    runs: set[bytes] = field(default_factory=set)
    slowest_readiness: float = 0.0

    def note(self, kind: str, head: bytes) -> int:
        """Count one response, and return its status."""
        status = int(head[9:12])
        self.statuses[f"{kind} {status}"] += 1
        run = re.search(rb"\r\nbillhook-run: *(\w+)", head, re.IGNORECASE)
        if run is not None:
            self.runs.add(run[1])
        return status


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Everybody who calls the server at *port*, with the *facts* of its data."""

    port: int
    facts: dict[str, Any]
    counts: Counts
    ends_at: float

    async def all(self) -> None:
        """Call until the time is over."""
        failing = ("error", "sign-in-page", "hang", "cut-short", "reset", "drip", "missing")
        await asyncio.gather(
            *(self._repeat(self._run("good"), 0.05) for _ in range(8)),
            *(self._repeat(self._run("steps"), 0.1) for _ in range(2)),
            *(self._repeat(self._run("recovering"), 0.1) for _ in range(2)),
            *(self._repeat(self._run(name), 0.2) for name in failing),
            self._repeat(self._run("large"), 0.5),
            *(self._repeat(self._view, 0.1) for _ in range(3)),
            self._repeat(self._look_at_pages, 0.5),
            self._repeat(self._browse("owner", self._backoffice()), 0.5),
            self._repeat(self._browse("contact", ["/", "/settings"]), 0.5),
            self._repeat(self._leave_early, 0.3),
            self._repeat(self._read_nothing, 20.0),
            self._repeat(self._send_a_long_body, 1.0),
            self._repeat(self._use_a_wrong_key, 3.0),
            self._repeat(self._ask_whether_it_is_ready, 1.0),
        )

    async def _repeat(self, call: Callable[[], Awaitable[None]], pause: float) -> None:
        while time.monotonic() < self.ends_at:
            try:
                async with asyncio.timeout(PATIENCE):
                    await call()
            except (OSError, EOFError, TimeoutError) as error:
                self.counts.statuses[f"{call.__name__} {type(error).__name__}"] += 1
            await asyncio.sleep(pause)

    def _run(self, integration: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self._ask(integration, self._run_request(integration))

        return run

    def _run_request(self, integration: str, *, key: str = "") -> bytes:
        body = json.dumps({"tokens": {"InvoiceNumber": "INV0000001"}})
        path = f"/api/v1/integrations/{integration}/commands/GetInvoiceImage/run"
        return _request(
            "POST",
            path,
            f"Authorization: Bearer {key or self.facts['key']}",
            "Content-Type: application/json",
            body=body.encode(),
        )

    def _page_request(self, path: str, who: str) -> bytes:
        return _request("GET", path, f"Cookie: {self.facts[who]}")

    async def _view(self) -> None:
        invoices = self.facts["invoices"]
        number = int(time.monotonic() * 1000) % len(invoices)
        path = f"/invoices/{invoices[number]}/document"
        await self._ask("view", self._page_request(path, "contact"))

    async def _look_at_pages(self) -> None:
        path = f"/invoices/{self.facts['invoices'][0]}/pages"
        page = await self._ask("pages", self._page_request(path, "contact"))
        for image in _IMAGE.findall(page)[:2]:
            await self._ask("image", self._page_request(image.decode(), "contact"))

    def _backoffice(self) -> list[str]:
        base = f"/backoffice/{self.facts['organisation']}"
        return [base, f"{base}/runs", f"{base}/invoices", f"{base}/integrations"]

    def _browse(self, who: str, paths: list[str]) -> Callable[[], Awaitable[None]]:
        async def browse() -> None:
            for path in paths:
                await self._ask("page", self._page_request(path, who))

        return browse

    async def _leave_early(self) -> None:
        """Send a request and close the connection before the response."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self._run_request("hang"))
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()

    async def _read_nothing(self) -> None:
        """Ask for a large document, and read none of it for a while."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.write(self._run_request("large"))
        await writer.drain()
        await asyncio.sleep(15)
        writer.close()

    async def _send_a_long_body(self) -> None:
        """Begin to send 19 MB without being signed in."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            b"POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 19000000\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            writer.write(bytes(1_000_000))
            self.counts.note("long body", await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async def _use_a_wrong_key(self) -> None:
        await self._ask("wrong key", self._run_request("good", key="bhk_wrong"))

    async def _ask_whether_it_is_ready(self) -> None:
        began = time.monotonic()
        await self._ask("readiness", _request("GET", "/readyz"))
        took = time.monotonic() - began
        self.counts.slowest_readiness = max(self.counts.slowest_readiness, took)

    async def _ask(self, kind: str, request: bytes) -> bytes:
        """Send *request* on a connection of its own; return the body of the response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            self.counts.note(kind, head)
            return body
        finally:
            writer.close()


def _request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
