"""A small internet on loopback: names, addresses and one web server, all as a test wishes.

The event loop of this world records every address that is dialled, and connects to the world's own
server instead. So a test sees where the transport would have gone, and what it would have sent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket  # noqa: TID251 - the loop's own arguments
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DOCUMENT = b"%PDF-1.7\nthe invoice\n%%EOF\n"
PUBLIC_NAMES = {
    "api.example.com": ["93.184.216.34"],
    "evil.example.net": ["8.8.8.8"],
    "files.example.org": ["93.184.216.34", "2606:4700:4700::1111"],
}
_TLS_PORTS = {443, 8443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came off the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    @property
    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.headers}


@dataclass(slots=True, kw_only=True)
class World:
    """The addresses of the servers, and the connections that they received.

    The i-th request is answered with the i-th of ``locations`` as a redirect, and with the
    document when they are used up. ``refusals`` is how many dials fail before one succeeds.
    """

    names: dict[str, list[str]] = field(default_factory=dict)
    answers: list[list[str]] = field(default_factory=list)
    locations: Sequence[str] = ()
    status: int = 302
    refusals: int = 0
    asked: list[str] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    async def resolve(self, name: str) -> Sequence[str]:
        """Answer as the case says: the i-th lookup gets the i-th answer, then the last again."""
        self.asked.append(name)
        if self.answers:
            return self.answers[min(len(self.asked), len(self.answers)) - 1]
        found = (PUBLIC_NAMES | self.names).get(name.removesuffix("."))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.received.append(await _read_request(reader))
            writer.write(self._answer(len(self.received) - 1))
            await writer.drain()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def _answer(self, index: int) -> bytes:
        head = f"HTTP/1.1 {self.status} Found\r\nLocation: ".encode()
        if index < len(self.locations):
            location = self.locations[index].encode()
            return head + location + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        size = f"{len(DOCUMENT)}\r\nConnection: close\r\n\r\n".encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: " + size + DOCUMENT


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = tuple((name, value.strip()) for name, _, value in (x.partition(":") for x in lines))
    length = next((int(value) for name, value in headers if name == "Content-Length"), 0)
    body = await reader.readexactly(length)
    return Received(method=method, target=target, headers=headers, body=body, raw=head + body)


class WorldLoop(asyncio.SelectorEventLoop):
    """An event loop in which every dial ends at the world's own server."""

    def __init__(self, world: World, certificate: Path) -> None:
        super().__init__()
        self._world = world
        self._certificate = certificate
        self._ports: dict[bool, int] = {}

    async def open(self) -> list[asyncio.Server]:
        """Start the world's server, once plain and once with TLS."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._certificate)
        servers = []
        for secure, context in ((False, None), (True, tls)):
            server = await asyncio.start_server(self._world.serve, "127.0.0.1", 0, ssl=context)
            self._ports[secure] = server.sockets[0].getsockname()[1]
            servers.append(server)
        return servers

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Note where the transport wants to go, and take it to our server."""
        self._world.dialled.append(address[0])
        if self._world.refusals:
            self._world.refusals -= 1
            raise ConnectionRefusedError
        port = self._ports[address[1] in _TLS_PORTS]
        mapped = "::ffff:127.0.0.1" if sock.family == socket.AF_INET6 else "127.0.0.1"
        await super().sock_connect(sock, (mapped, port))


def trusting_context() -> ssl.SSLContext:
    """Make a client's context that takes any certificate: where we go is the question here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def write_certificate(folder: Path) -> Path:
    """Write a certificate and its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "world.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "world.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
