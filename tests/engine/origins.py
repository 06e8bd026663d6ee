"""Servers on loopback for tests: each is a small script that says what to send, and when."""

from __future__ import annotations

import asyncio
import contextlib
import socket  # noqa: TID251 - a hostile origin needs the raw thing
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.http.transport import HttpTransport
from billhook.engine.reader.pool import readers


class Peer:
    """One connection as the origin sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Return the next request's head and body; EOFError when there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                return head + await self.reader.readexactly(int(line.split(b":")[1]))
        return head

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes, *, pause: float) -> None:
        """Send *data* a byte at a time."""
        for byte in data:
            await self.send(bytes([byte]))
            await asyncio.sleep(pause)

    async def until_gone(self) -> None:
        """Wait until the other side has hung up."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """Hang up with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass(kw_only=True)
class Source:
    """A running origin: where it is, what it was asked, and how many connections it has seen."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def policy(self, **more: list[str]) -> EgressPolicy:
        """Return a policy that allows just this origin."""
        return EgressPolicy.from_texts(
            allow=[f"{self.host}:{self.port}", *more.pop("allow", [])], also_led=True, **more
        )

    async def asked(self) -> None:
        """Wait until the first request came."""
        while not self.requests:  # noqa: ASYNC110 - a test may poll
            await asyncio.sleep(0.005)

    async def all_gone(self) -> None:
        """Wait until every connection was closed by the other side; a test hangs if one stays."""
        while self.open_connections:  # noqa: ASYNC110 - a test may poll
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(
    script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Source]:
    """Run *script* for every connection to a new port, until the block ends."""
    scripts: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source.connections += 1
        source.open_connections += 1
        running = asyncio.ensure_future(script(_Recording(reader, writer, source)))
        scripts.add(running)
        await asyncio.wait([running])
        scripts.discard(running)
        source.open_connections -= 1
        writer.close()
        if not running.cancelled() and isinstance(running.exception(), AssertionError):
            raise AssertionError from running.exception()

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    source = Source(
        port=server.sockets[0].getsockname()[1],
        host=f"[{host}]" if ":" in host else host,
        scheme="https" if tls else "http",
    )
    try:
        yield source
    finally:
        server.close()
        for running in scripts:
            running.cancel()
        while source.open_connections:  # noqa: ASYNC110 - a test may poll
            await asyncio.sleep(0)


class _Recording(Peer):
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: Source
    ) -> None:
        super().__init__(reader, writer)
        self._source = source

    async def request(self) -> bytes:
        request = await super().request()
        self._source.requests.append(request)
        return request


def pdf(size: int = 2000) -> bytes:
    """Return something that begins and ends as a PDF, of *size* bytes."""
    head, end = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"\nstartxref\n9\n%%EOF\n"
    return head + b"0" * (size - len(head) - len(end)) + end


def answer(
    body: bytes = b"", *headers: str, status: str = "200 OK", length: int | None = None
) -> bytes:
    """Return an answer with a Content-Length: the right one, unless *length* is given."""
    count = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {count}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def always(data: bytes) -> Script:
    """Answer each request with *data*, keeping the connection."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(data)

    return script


def once(data: bytes) -> Script:
    """Answer one request with *data*, then close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)

    return script


def command(
    url: str,
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    body: str = "",
    secrets: tuple[str, ...] = (),
    variables: dict[str, str] | None = None,
    **more: object,
) -> Command:
    """Compile a command of one request."""
    step = StepConfig(method=method, url=url, headers=headers, body=body)
    config = CommandConfig(name="GetInvoiceImage", steps=(step,), **more)  # type: ignore[arg-type]
    return compile_command(config, variables=variables or {}, secrets=secrets)


def transport_to(source: Source, **more: object) -> HttpTransport:
    """Return a transport whose policy allows just *source*."""
    return HttpTransport(source.policy(), **more)  # type: ignore[arg-type]


def with_limits(command: Command, **limits: float) -> Command:
    """Return *command* with some of its limits changed, so that a test needn't wait for them."""
    return replace(command, limits=replace(command.limits, **limits))


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail if the block leaves a task, a socket or a file of this process behind.

    Idle reader processes are kept for later responses, so they are ended.
    """
    readers.close()
    tasks, files = asyncio.all_tasks(), _open_files()
    yield
    readers.close()
    for _ in range(20):
        if asyncio.all_tasks() == tasks and _open_files() == files:
            return
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == tasks
    assert _open_files() == files


def _open_files() -> dict[str, str]:
    """Return what each descriptor of this process is: ``socket:[…]`` or a path."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own descriptor
            found[link.name] = str(link.readlink())
    return found
