"""Targets of connections, in the form that aiohttp's connector needs."""

from __future__ import annotations

import ssl

from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.egress.url import Origin
from billhook.engine.http.request import Limits
from billhook.engine.http.trace import Progress
from billhook.engine.verdict import Verdict


class Site:
    """The target of connections, in the form that aiohttp's connector needs. One for each origin.

    *context* is how TLS is spoken there, and *policy* judges its addresses, if not as everywhere in
    its pool. A site with a policy of its own shares no connection with one without, nor does one
    for a *command* with a client certificate. *proxy* is the way there, if it isn't direct.
    """

    __slots__ = ("authority", "context", "host", "key", "policy", "port", "proxy", "secure", "url")

    def __init__(
        self,
        origin: Origin,
        *,
        context: ssl.SSLContext | None = None,
        policy: EgressPolicy | None = None,
        proxy: OutgoingProxy | None = None,
        command: str = "",
    ) -> None:
        self.context = context
        self.proxy = proxy
        self.policy = policy
        self.host = origin.host
        self.port = origin.port
        self.secure = origin.scheme == "https"
        self.authority = origin.authority
        self.url = URL.build(scheme=origin.scheme, host=origin.host, port=origin.port)
        self.key = ConnectionKey(origin.host, origin.port, self.secure, True, None, None, None)  # noqa: FBT003 - theirs
        if policy is not None or command:  # aiohttp's own proxies aren't used, so this is free
            apart = hash((policy is not None, command))
            self.key = self.key._replace(proxy_headers_hash=apart)


class Dial:
    """One wish for a connection: aiohttp's connector takes it for its own request object."""

    __slots__ = ("limits", "may_reuse", "no_files", "progress", "reused", "site", "verdict")

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
        self.no_files = False

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
