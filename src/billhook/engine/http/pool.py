"""Connections: aiohttp's connector with the guard's gates put in, and nothing else of its client.

Of aiohttp we use the layer that dials, keeps connections and parses responses. The layer above it
(``ClientSession``), which reads proxies and ``.netrc``, keeps cookies, follows redirects, repeats
requests and rewrites URLs, isn't in the path at all. Only this module, :mod:`.site` and
:mod:`.wire` use names that aiohttp doesn't document, and ``tests/engine/http/test_pool.py`` fails
when they change.
"""

from __future__ import annotations

import asyncio
import socket  # noqa: TID251 - this is the door
import ssl
from contextvars import ContextVar
from functools import cache, lru_cache
from time import perf_counter
from typing import Any, Final, cast

from aiohttp import ClientError, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType, Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError

from billhook.engine.egress.guard import judge_address
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.egress.resolver import Resolver, look_up
from billhook.engine.egress.url import Origin
from billhook.engine.errors import EgressDenied, NoFiles, SourceUnreachable
from billhook.engine.http.site import Dial, Site
from billhook.engine.http.tls import default_tls_context, end_of_certificate
from billhook.engine.http.trace import Progress
from billhook.engine.http.tunnel import authorities, judge_answer, policy_for_proxy
from billhook.engine.http.wire import Wire

POOL_LIMIT: Final = 1024
"""Connections of one integration in use at the same time; further runs wait in line."""
KEEP_IDLE: Final = 15.0
"""Seconds that an idle connection is kept."""
_TUNNELS: Final = 2
"""So many of a target's addresses are tried through a proxy."""
_MOST_OF_PROXY: Final = 64 * 1024
"""Bytes that a proxy may send before a tunnel is open."""


class AddressRefused(OSError):
    """The guard refused an address as the socket was to be made. aiohttp expects an OSError."""


_dialling: ContextVar[Dial] = ContextVar("billhook_dialling")


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
        self._lookup = _JudgedLookup(policy, resolver)
        super().__init__(
            resolver=self._lookup,
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
            dial.progress.certificate_ends = wire.certificate_ends
            if wire.fresh:
                wire.fresh = False
                return connection, wire
            if dial.may_reuse and wire.is_clean():
                wire.idle = False
                dial.reused = True
                return connection, wire
            connection.close()

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ASYNC109 - theirs
        """Dial, letting the gates below know for whom."""
        token = _dialling.set(req)
        try:
            if req.site.proxy is None:
                wire = await super()._create_connection(req, traces, timeout)
            else:
                wire = await self._open_tunnel(req, req.site.proxy, timeout)
        finally:
            _dialling.reset(token)
        if req.is_ssl():
            req.progress.secured = perf_counter()
            cast("Wire", wire).certificate_ends = end_of_certificate(_tls_of(wire))
        return wire

    async def _open_tunnel(
        self,
        dial: Dial,
        proxy: OutgoingProxy,
        timeout: Any,  # noqa: ASYNC109 - theirs
    ) -> ResponseHandler:
        """Connect through *proxy*, which learns only of what the guard has judged."""
        addresses = () if proxy.by_name else await self._judged_addresses(dial)
        failure = SourceUnreachable("proxy-failed")
        for authority in authorities(proxy, dial.host, dial.port, addresses)[:_TUNNELS]:
            transport = await self._ask_for_tunnel(dial, proxy, authority, timeout)
            if not isinstance(transport, SourceUnreachable):
                return await self._enter_tunnel(dial, transport, timeout)
            failure = transport
        raise failure

    async def _judged_addresses(self, dial: Dial) -> tuple[str, ...]:
        """Return the addresses of the target, each judged; a literal one was judged before."""
        if _is_address(dial.host):
            return (dial.host,)
        found = await self._lookup.resolve(dial.host, dial.port)
        return tuple(each["host"] for each in found)

    async def _ask_for_tunnel(
        self,
        dial: Dial,
        proxy: OutgoingProxy,
        authority: str,
        timeout: Any,  # noqa: ASYNC109 - theirs
    ) -> asyncio.Transport | SourceUnreachable:
        """Return a connection to *authority* through *proxy*, or the error if it has none."""
        policy = policy_for_proxy(proxy.host, proxy.port)
        site = Site(Origin(scheme="http", host=proxy.host, port=proxy.port), policy=policy)
        way = Dial(site, limits=dial.limits, progress=dial.progress)
        token = _dialling.set(way)
        try:
            transport, wire = await self._create_direct_connection(cast("Any", way), [], timeout)
        except (ClientError, OSError, EgressDenied, SourceUnreachable):
            raise SourceUnreachable("proxy-unreachable") from None
        finally:
            _dialling.reset(token)
        try:
            async with asyncio.timeout(dial.limits.connect_timeout):
                head = await _ask(transport, cast("Wire", wire), proxy, authority)
            judge_answer(head.code)
        except SourceUnreachable as error:
            transport.close()
            return error
        except BaseException:
            transport.close()
            raise
        return transport

    async def _enter_tunnel(
        self,
        dial: Dial,
        transport: asyncio.Transport,
        timeout: Any,  # noqa: ASYNC109 - theirs
    ) -> ResponseHandler:
        """Return a connection over the tunnel *transport*, with TLS if the target speaks it."""
        if dial.is_ssl():
            _, wire = await self._start_tls_connection(transport, cast("Any", dial), timeout)
            return wire
        plain = self._new_wire()
        transport.set_protocol(plain)
        plain.connection_made(transport)
        return plain

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
        policy = dial.site.policy or self._policy
        verdict = judge_address(str(address[0]), host=dial.host, port=dial.port, policy=policy)
        if not verdict.allowed:
            dial.verdict = verdict
            raise AddressRefused(verdict.reason)
        dial.progress.phase = "connect"
        try:
            return socket.socket(family, kind, protocol)
        except OSError as error:
            dial.no_files = NoFiles.explains(error)
            raise


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
            policy=dial.site.policy or self._policy,
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


async def _ask(
    transport: asyncio.Transport, wire: Wire, proxy: OutgoingProxy, authority: str
) -> RawResponseMessage:
    """Ask *proxy* for a tunnel to *authority*, and return the head of its response."""
    wire.begin(Progress("", ""), most=_MOST_OF_PROXY)
    transport.write(proxy.connect_request(authority))
    try:
        head, _ = await wire.read()
    except (ClientError, ConnectionError, HttpProcessingError):
        raise SourceUnreachable("proxy-unreachable") from None
    return head


def _tls_of(wire: ResponseHandler) -> ssl.SSLObject | None:
    return wire.transport.get_extra_info("ssl_object") if wire.transport else None


def _is_address(host: str) -> bool:
    """Return whether *host*, as in ``Url.host``, is a literal address: no name ends in a digit."""
    return ":" in host or host[-1:].isdigit()


@lru_cache(maxsize=64)
def _timeout(connect_timeout: float) -> ClientTimeout:
    """Return the limit for one address, TLS included; the run's deadline covers the rest."""
    return ClientTimeout(total=None, sock_connect=connect_timeout, ceil_threshold=60)
