"""The only door to the network: through it goes what the guard allows, under every limit."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Protocol, Self

from billhook.engine.body import Body
from billhook.engine.egress.guard import judge, secret_may_travel
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import Resolver, SystemResolver
from billhook.engine.egress.url import Origin, parse_url
from billhook.engine.errors import (
    REDIRECT,
    RESPONSE,
    URL,
    DeniedPlace,
    EgressDenied,
    SourceTimeout,
    denied,
)
from billhook.engine.http.cookies import with_cookies
from billhook.engine.http.exchange import ConnectionWentStale, RawResponse, exchange_once
from billhook.engine.http.pool import POOL_LIMIT, Pool
from billhook.engine.http.redirects import follow_redirect, redirect_place
from billhook.engine.http.request import WebRequest
from billhook.engine.http.site import Dial, Site
from billhook.engine.http.terms import RunTerms
from billhook.engine.http_status import REDIRECTS
from billhook.engine.isolation.deadline import Deadline
from billhook.engine.reasons.refusal import (
    DROPPED_CREDENTIAL,
    NO_CREDENTIAL,
    OTHER_CREDENTIAL,
    credential_kind,
)
from billhook.engine.secret import Secret
from billhook.engine.tokens.masking import holds_secret
from billhook.engine.verdict import Verdict

_LONG_ENOUGH: Final = 8
"""Characters from which on a secret in an address is no coincidence."""
_TARGET: Final = re.compile(r"/[!$-;=?-\[\]_a-z~]*", re.ASCII)
"""The characters of path and query in a request line (RFC 9112, 3.2.1), and no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response: status, headers as they came, body, and the origin that gave it.

    ``target`` is the path and query of the request that it is to. ``redirected_to`` is the same if
    redirects led to it; ``redirect_cookies`` are the Set-Cookie headers of those redirects,
    whatever their origin. ``credential`` is the kind of credential that was sent last, in a word of
    :mod:`billhook.engine.reasons.refusal`; None if unknown. ``is_allowed_by_name`` says that the
    operator allows the origin by its host and port.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Body
    origin: Origin
    target: str = field(default="", repr=False)  # it may hold a secret
    redirected_to: str = field(default="", repr=False)
    redirect_cookies: tuple[tuple[str, str], ...] = ()
    credential: str | None = None
    is_allowed_by_name: bool = False

    @property
    def address(self) -> str:
        """The URL of the request that it is to: relative addresses in it are meant from there."""
        return f"{self.origin}{self.target or '/'}"

    @property
    def all_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers, after the cookies that redirects set on the way."""
        return (*self.redirect_cookies, *self.headers)


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
    that ask for one of ours; with *ssl_origins*, it is for these alone: where a redirect or a
    response leads gets to see no certificate. *command_contexts* are for the commands of these
    names, instead of *ssl_context*. *secrets* gives those that no redirect or link may
    take along to an origin other than these.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        ssl_origins: Collection[Origin] | None = None,
        command_contexts: Mapping[str, ssl.SSLContext] = MappingProxyType({}),
        secrets: Callable[[], Iterable[Secret]] = tuple,
        folder: Path | None = None,
        pool_limit: int = POOL_LIMIT,
    ) -> None:
        self._policy = policy
        self._policy_for_led = policy.for_what_responses_lead_to()
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._ssl_origins = ssl_origins
        self._command_contexts = command_contexts
        self._secrets = secrets
        self._folder = folder
        self._pool_limit = pool_limit
        self._pool: Pool | None = None
        self._destinations = lru_cache(maxsize=256)(self._judge_origin)

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request* and return the whole response, as :class:`Transport` promises."""
        try:
            with Deadline(terms.deadline):
                return await self._send_and_follow(request, terms)
        except TimeoutError:
            terms.trace.conclude(SourceTimeout.code)
            raise SourceTimeout("whole") from None

    async def _send_and_follow(self, request: WebRequest, terms: RunTerms) -> Response:
        """Send *request*, and those that redirects lead to: by hand, each judged again.

        Cookies of earlier redirects of the run go along to their origin, unless the redirects have
        led to another one and back: what was dropped on the way stays dropped.
        """
        trail = [with_cookies(request, terms.cookies.of(request.origin))]
        cookies: list[tuple[str, str]] = []
        while True:
            response = await self._send_hop(trail, terms)
            if terms.redirects != "follow" or response.status not in REDIRECTS:
                break
            response.body.close()
            cookies += [each for each in response.headers if each[0].lower() == "set-cookie"]
            terms.cookies.take(trail[-1].origin, response.headers)
            following = follow_redirect(
                trail, status=response.status, headers=response.headers, policy=self._policy
            )
            if isinstance(following, Verdict):
                place = redirect_place(trail[-1], response.headers)
                raise denied(following, place, came_from=REDIRECT)
            trail.append(following)
        if terms.cookies.of(trail[-1].origin):  # a later cookie replaces that of a redirect
            terms.cookies.take(trail[-1].origin, response.headers)
        return Response(
            status=response.status,
            headers=response.headers,
            body=response.body,
            origin=trail[-1].origin,
            target=trail[-1].target,
            redirected_to=trail[-1].target if len(trail) > 1 else "",
            redirect_cookies=tuple(cookies),
            credential=_credential_of(trail),
            is_allowed_by_name=self._allows_by_name(trail[-1].origin),
        )

    async def _send_hop(self, trail: Sequence[WebRequest], terms: RunTerms) -> RawResponse:
        """Send the last of *trail*; a denial says where its address came from."""
        try:
            return await self._send(trail[-1], terms)
        except EgressDenied as error:
            error.came_from = _came_from(trail)
            raise

    async def _send(self, request: WebRequest, terms: RunTerms) -> RawResponse:
        """Send *request*; once more if an idle connection turned out to be closed.

        Only a GET that may be repeated is sent again, only if no byte of a response came, and then
        over a new connection: the origin may have closed it while our request was on its way
        (RFC 9112, 9.3.1). A GET that may not, such as that of a link for one use, gets a new one at
        once.
        """
        site = self._site(request, terms.command)
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

    def _allows_by_name(self, origin: Origin) -> bool:
        return self._policy.allowance(origin.host, origin.port) is not None

    def _site(self, request: WebRequest, command: str) -> Site:
        """Return where *request* of *command* goes, if it may go there with what it carries."""
        own = command if command in self._command_contexts else ""
        destination = self._destinations(request.origin, is_led=request.is_led_away, command=own)
        if isinstance(destination, Verdict):
            raise denied(destination, _place(request.origin))
        if not _TARGET.fullmatch(request.target):
            raise denied(Verdict.DENIED_CONTROL_CHARACTER)
        if request.is_led_to_other_origin and self._takes_secret_away(request):
            raise denied(Verdict.DENIED_SECRET_LED, _place(request.origin))
        if request.carries_secret and not destination.takes_secrets.allowed:
            raise denied(destination.takes_secrets, _place(request.origin))
        return destination.site

    def _takes_secret_away(self, request: WebRequest) -> bool:
        if self._ssl_origins is not None and request.origin in self._ssl_origins:
            return False  # it is one of the integration's own: its secrets are bound to it
        long = [each for each in self._secrets() if len(each.reveal()) >= _LONG_ENOUGH]
        return holds_secret(request.url, long)

    def _judge_origin(
        self, origin: Origin, *, is_led: bool, command: str
    ) -> _Destination | Verdict:
        """Judge an origin once for all its requests; its addresses are judged at every dial.

        *is_led* says that the response of another place leads there. *command* is one with a client
        certificate of its own, or empty.
        """
        is_led = is_led and self._policy.allowance(origin.host, origin.port) is not None
        policy = self._policy_for_led if is_led else self._policy
        url = parse_url(str(origin))
        if isinstance(url, Verdict):
            return url
        if url.text != f"{origin}/" or url.host != origin.host:
            return Verdict.DENIED_HOST_SYNTAX  # what is judged must be what is dialled
        verdict = judge(url, policy)
        if not verdict.allowed:
            return verdict
        own = self._ssl_origins is not None and origin in self._ssl_origins
        site = Site(
            origin,
            context=self._command_contexts.get(command, self._ssl_context) if own else None,
            command=command,
            policy=policy if is_led else None,
            proxy=policy.proxy_for(origin.host, origin.port),
        )
        return _Destination(site=site, takes_secrets=secret_may_travel(url, policy))

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


def _place(origin: Origin) -> DeniedPlace:
    return DeniedPlace(host=origin.host, port=origin.port)


def _credential_of(trail: Sequence[WebRequest]) -> str:
    first, last = trail[0], trail[-1]
    if first.carries_secret and not last.carries_secret:
        return DROPPED_CREDENTIAL
    for name, value in last.headers:
        if name.lower() == "authorization":
            return credential_kind(value)
    return OTHER_CREDENTIAL if last.carries_secret else NO_CREDENTIAL


def _came_from(trail: Sequence[WebRequest]) -> str:
    if len(trail) > 1:
        return REDIRECT
    return RESPONSE if trail[0].led_from else URL


@dataclass(frozen=True, slots=True, kw_only=True)
class _Destination:
    """An origin that may be dialled."""

    site: Site
    takes_secrets: Verdict
