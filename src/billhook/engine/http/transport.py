"""The only door to the network: through it goes what the guard allows, under every limit."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from billhook.engine.body import Body
from billhook.engine.egress.guard import judge, secret_may_travel
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import Resolver, SystemResolver
from billhook.engine.egress.url import Origin, parse_url
from billhook.engine.errors import DeniedPlace, SourceTimeout, denied
from billhook.engine.http.exchange import ConnectionWentStale, RawResponse, exchange_once
from billhook.engine.http.pool import POOL_LIMIT, Dial, Pool, Site
from billhook.engine.http.redirects import follow_redirect
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http_status import REDIRECTS
from billhook.engine.verdict import Verdict

_TARGET: Final = re.compile(r"/[!$-;=?-\[\]_a-z~]*", re.ASCII)
"""The characters of path and query in a request line (RFC 9112, 3.2.1), and no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response: status, headers as they came, body, and the origin that gave it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Body
    origin: Origin


class Transport(Protocol):
    """A carrier of requests to a source and of their responses.

    :class:`HttpTransport` does it over the network, ``billhook.engine.testing.FakeTransport`` from
    a script.
    """

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request* on the *terms* of its run, and return the response.

        Raises EgressDenied and SourceError. The caller closes the response's body.
        """
        ...


class HttpTransport:
    """HTTP over the network with a pool of connections of its own: make one per integration.

    Nothing of the environment has a say here: no proxy, no ``.netrc``, no cookie. Bodies that
    don't fit into memory go to unnamed files in *folder* (the system's folder for temporary files
    unless given). *ssl_context* is for sources with a certificate of an authority of one's own, or
    that ask for one of ours; with *ssl_origins*, it is for these alone: where a redirect or an
    response leads gets to see no certificate.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        ssl_origins: Collection[Origin] | None = None,
        folder: Path | None = None,
        pool_limit: int = POOL_LIMIT,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._ssl_origins = ssl_origins
        self._folder = folder
        self._pool_limit = pool_limit
        self._pool: Pool | None = None
        self._destinations = lru_cache(maxsize=256)(self._judge_origin)

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request* and return the whole response, as :class:`Transport` promises."""
        try:
            async with asyncio.timeout_at(terms.deadline):
                return await self._send_and_follow(request, terms)
        except TimeoutError:
            terms.trace.conclude(SourceTimeout.code)
            raise SourceTimeout("whole") from None

    async def _send_and_follow(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*, and those that redirects lead to: by hand, each judged again."""
        trail = [request]
        while True:
            response = await self._send(trail[-1], terms)
            if terms.redirects != "follow" or response.status not in REDIRECTS:
                break
            response.body.close()
            following = follow_redirect(
                trail,
                status=response.status,
                locations=[value for name, value in response.headers if name.lower() == "location"],
                policy=self._policy,
            )
            if isinstance(following, Verdict):
                raise denied(following)
            trail.append(following)
        return Response(
            status=response.status,
            headers=response.headers,
            body=response.body,
            origin=trail[-1].origin,
        )

    async def _send(self, request: WebRequest, terms: RunTerms) -> RawResponse:
        """Send *request*; once more if an idle connection turned out to be closed.

        Only a GET that may be repeated is sent again, only if no byte of a response came, and then
        over a new connection: the origin may have closed it while our request was on its way
        (RFC 9112, 9.3.1). A GET that may not, such as that of a link for one use, gets a new one at
        once.
        """
        site = self._site(request)
        pool = self._open_pool()
        is_once = request.method == "GET" and not request.repeatable
        try:
            dial = Dial(
                site,
                limits=terms.limits,
                progress=terms.trace.begin(request.step, request.method),
                may_reuse=not is_once,
            )
            return await exchange_once(request, dial, pool, folder=self._folder)
        except ConnectionWentStale:
            if request.method != "GET" or is_once:
                raise
        dial = Dial(
            site,
            limits=terms.limits,
            progress=terms.trace.begin(request.step, request.method),
            may_reuse=False,
        )
        return await exchange_once(request, dial, pool, folder=self._folder)

    def _site(self, request: WebRequest) -> Site:
        """Return where *request* goes, if it may go there with what it carries."""
        destination = self._destinations(request.origin)
        at = DeniedPlace(host=request.origin.host, port=request.origin.port)
        if isinstance(destination, Verdict):
            raise denied(destination, at)
        if not _TARGET.fullmatch(request.target):
            raise denied(Verdict.DENIED_CONTROL_CHARACTER)
        if request.carries_secret and not destination.takes_secrets.allowed:
            raise denied(destination.takes_secrets, at)
        return destination.site

    def _judge_origin(self, origin: Origin) -> _Destination | Verdict:
        """Judge an origin once for all its requests; its addresses are judged at every dial."""
        url = parse_url(str(origin))
        if isinstance(url, Verdict):
            return url
        if url.text != f"{origin}/" or url.host != origin.host:
            return Verdict.DENIED_HOST_SYNTAX  # what is judged must be what is dialled
        verdict = judge(url, self._policy)
        if not verdict.allowed:
            return verdict
        own = self._ssl_origins is not None and origin in self._ssl_origins
        site = Site(origin, context=self._ssl_context if own else None)
        return _Destination(site=site, takes_secrets=secret_may_travel(url, self._policy))

    def _open_pool(self) -> Pool:
        """Return the pool, made when it is first needed: it belongs to the running loop."""
        if self._pool is None or self._pool.closed:
            self._pool = Pool(
                self._policy,
                resolver=self._resolver or SystemResolver(),
                ssl_context=self._ssl_context if self._ssl_origins is None else None,
                limit=self._pool_limit,
            )
        return self._pool

    async def close(self) -> None:
        """Close all connections. A transport that is used again after it opens new ones."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Destination:
    """An origin that may be dialled."""

    site: Site
    takes_secrets: Verdict
