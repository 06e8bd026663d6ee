"""Connections: aiohttp's connector with the guard's gates put in, and nothing else of its client.

Of aiohttp we use the layer that dials, keeps connections and parses responses. The layer above it
(``ClientSession``), which reads proxies and ``.netrc``, keeps cookies, follows redirects, repeats
requests and rewrites URLs, isn't in the path at all. Only this module uses names that aiohttp
doesn't document, and ``tests/engine/http/test_pool.py`` fails when they change.
"""

from __future__ import annotations

import asyncio
import select
import socket  # noqa: TID251 - this is the door
import ssl
from contextvars import ContextVar
from functools import cache, lru_cache
from time import perf_counter
from typing import Any, Final, cast

from aiohttp import ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType, Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

from billhook.engine.egress.guard import judge_address
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import Resolver, look_up
from billhook.engine.egress.url import Origin
from billhook.engine.errors import SourceBroken
from billhook.engine.http.request import Limits
from billhook.engine.http.tls import default_tls_context
from billhook.engine.http.trace import Progress
from billhook.engine.verdict import Verdict

POOL_LIMIT: Final = 1024
"""Connections of one integration in use at the same time; further runs wait in line."""
KEEP_IDLE: Final = 15.0
"""Seconds that an idle connection is kept."""
READ_BUFFER: Final = 64 * 1024
"""Bytes of one response that wait in memory before the origin is made to wait."""
MAX_INTERIM_ANSWERS: Final = 8
"""Responses with a status from 100 to 199 that one request may get before the real one."""
FIRST_FINAL_STATUS: Final = 200
"""Statuses below it are interim responses (RFC 9110, 15.2)."""
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 8190
"""Of one header, name and value; also of the status line."""


class Site:
    """The target of connections, in the form that aiohttp's connector needs. One for each origin.

    *context* is how TLS is spoken there, if not as everywhere in its pool.
    """

    __slots__ = ("authority", "context", "host", "key", "port", "secure", "url")

    def __init__(self, origin: Origin, *, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.host = origin.host
        self.port = origin.port
        self.secure = origin.scheme == "https"
        self.authority = origin.authority
        self.url = URL.build(scheme=origin.scheme, host=origin.host, port=origin.port)
        self.key = ConnectionKey(origin.host, origin.port, self.secure, True, None, None, None)  # noqa: FBT003 - theirs


class Dial:
    """One wish for a connection: aiohttp's connector takes it for its own request object."""

    __slots__ = ("limits", "may_reuse", "progress", "reused", "site", "verdict")

    proxy = None
    server_hostname = None

    def __init__(
        self, site: Site, *, limits: Limits, progress: Progress, may_reuse: bool = True
    ) -> None:
        self.site = site
        self.limits = limits
        self.progress = progress
        self.may_reuse = may_reuse
        self.reused = False
        self.verdict: Verdict | None = None

    @property
    def connection_key(self) -> ConnectionKey:
        """The key that connections to the same place share."""
        return self.site.key

    @property
    def ssl(self) -> ssl.SSLContext | bool:
        """The TLS setting: True means the pool's own."""
        return self.site.context or True

    @property
    def url(self) -> URL:
        """The origin; aiohttp takes the host from it."""
        return self.site.url

    @property
    def host(self) -> str:
        """The host as the guard knows it."""
        return self.site.host

    @property
    def port(self) -> int:
        """The port, the default one included."""
        return self.site.port

    def is_ssl(self) -> bool:
        """Whether TLS is spoken."""
        return self.site.secure


class AddressRefused(OSError):
    """The guard refused an address as the socket was to be made. aiohttp expects an OSError."""


_dialling: ContextVar[Dial] = ContextVar("billhook_dialling")


class Wire(ResponseHandler):
    """One connection: counts what comes, and lets nothing in that nobody asked for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.fresh = True
        self.idle = False
        self.received = 0
        self.last_byte = 0.0
        self._interim = 0
        self._most = 0
        self._progress = Progress("", "")

    def begin(self, progress: Progress, *, most: int) -> None:
        """Make ready for one request and a response of *most* bytes, its framing included."""
        self._progress = progress
        self._most = most
        self._interim = 0
        self.received = 0
        self.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes from the origin. On an idle connection nobody waits for any: hang up.

        Else a response pushed now would be read as the response to the next run's request.
        """
        if self.idle:
            self.force_close()
            self.abort()
            return
        if data:
            self._count(len(data))
        super().data_received(data)
        if self._exception is not None:
            self.fail(self._exception)  # aiohttp gives it only to readers of a head

    def _count(self, size: int) -> None:
        """Count what comes: endless trailers or chunk extensions never reach a reader."""
        if self.received == 0:
            self._progress.first_byte = perf_counter()
        self._progress.received = self.received = self.received + size
        self.last_byte = self._loop.time()
        if self.received > self._most:
            self.fail(SourceBroken("The source sent far more around its response than in it."))

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Queue a head. More interim responses than anybody needs are a flood."""
        if data[0].code < FIRST_FINAL_STATUS:
            self._interim += 1
            if self._interim > MAX_INTERIM_ANSWERS:
                self.fail(SourceBroken("The source sent one interim response after another."))
                return
        super().feed_data(data, size)

    def fail(self, error: BaseException) -> None:
        """End the exchange with *error*, wherever it waits."""
        payload = self._payload
        self.set_exception(error)
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(error)

    @property
    def has_more(self) -> bool:
        """Whether more came than the one response that was asked for."""
        return len(self) > 0 or isinstance(self.exception(), HttpProcessingError)

    @property
    def has_unsent(self) -> bool:
        """Whether a part of the request still waits for the origin to take it."""
        return self.transport is None or self.transport.get_write_buffer_size() > 0


class Pool(TCPConnector):
    """The connections of one integration. Every address is judged when it is dialled."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        resolver: Resolver,
        ssl_context: ssl.SSLContext | None = None,
        limit: int = POOL_LIMIT,
    ) -> None:
        super().__init__(
            resolver=_JudgedLookup(policy, resolver),
            use_dns_cache=False,
            socket_factory=self._judged_socket,
            ssl=ssl_context or default_tls_context(),
            limit=limit,
            keepalive_timeout=KEEP_IDLE,
        )
        self._policy = policy
        self._factory = self._new_wire  # type: ignore[assignment]
        _teach_allocator()

    async def open(self, dial: Dial) -> tuple[Connection, Wire]:
        """Return a connection for *dial*: an idle one that is still clean, or a new one."""
        timeout = _timeout(dial.limits.connect_timeout)
        while True:
            connection = await self.connect(dial, [], timeout)  # type: ignore[arg-type]
            wire = cast("Wire", connection.protocol)
            if wire.fresh:
                wire.fresh = False
                return connection, wire
            if dial.may_reuse and _is_clean(wire):
                wire.idle = False
                dial.reused = True
                return connection, wire
            connection.close()

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ASYNC109 - theirs
        """Dial, letting the gates below know for whom."""
        token = _dialling.set(req)
        try:
            wire = await super()._create_connection(req, traces, timeout)
        finally:
            _dialling.reset(token)
        if req.is_ssl():
            req.progress.secured = perf_counter()
        return wire

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        cast("Wire", protocol).idle = True
        super()._release(key, protocol, should_close=should_close)

    def _new_wire(self) -> Wire:
        """Make the protocol: asyncio does so when TCP is connected, before TLS begins."""
        dial = _dialling.get()
        dial.progress.connected = perf_counter()
        if dial.is_ssl():
            dial.progress.phase = "tls"
        return Wire(self._loop)

    def _judged_socket(self, info: AddrInfoType) -> socket.socket:
        """Make a socket for an address, unless the guard says no: the last gate before the dial.

        It sees literal addresses of URLs, too, which no resolver does.
        """
        family, kind, protocol, _, address = info
        dial = _dialling.get()
        verdict = judge_address(
            str(address[0]), host=dial.host, port=dial.port, policy=self._policy
        )
        if not verdict.allowed:
            dial.verdict = verdict
            raise AddressRefused(verdict.reason)
        dial.progress.phase = "connect"
        return socket.socket(family, kind, protocol)


@cache
def _teach_allocator() -> None:
    """Free one large piece of memory, so that glibc keeps what documents need.

    By default it gives memory back to the kernel whenever 128 KiB at the top of the heap are free,
    and takes it again for the next document: a third of a run's processor time. Once a larger
    piece was freed, it keeps up to twice as much as that (mallopt(3), M_MMAP_THRESHOLD).
    """
    bytes(1_000_000)


class _JudgedLookup(AbstractResolver):
    """aiohttp's seam for lookups, with ours behind it."""

    def __init__(self, policy: EgressPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - theirs; both are tried
    ) -> list[ResolveResult]:
        """Return the addresses of *host* that may be dialled."""
        dial = _dialling.get()
        dial.progress.phase = "lookup"
        addresses = await look_up(
            host,
            port,
            resolver=self._resolver,
            policy=self._policy,
            within=dial.limits.lookup_timeout,
        )
        dial.progress.looked_up = perf_counter()
        return [_resolved(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Do nothing: the resolver belongs to its maker."""


def _resolved(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


def _is_clean(wire: Wire) -> bool:
    """Say whether an idle connection is fit for the next request.

    Nothing may have come on it since: neither bytes that we have read, nor any that wait in the
    kernel, be it a pushed response or the origin's close.
    """
    if wire.should_close or wire.transport is None:
        return False
    poll = select.poll()
    poll.register(wire.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return not poll.poll(0)


@lru_cache(maxsize=64)
def _timeout(connect_timeout: float) -> ClientTimeout:
    """Return the limit for one address, TLS included; the run's deadline covers the rest."""
    return ClientTimeout(total=None, sock_connect=connect_timeout, ceil_threshold=60)
