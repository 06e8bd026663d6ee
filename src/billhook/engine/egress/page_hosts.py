"""The hosts of pages that a person may be sent to: an allow-list, and the judge of a link.

Nothing is dialled here: a browser goes there. So the link is put together again from the parts
that the strict grammar of :mod:`billhook.engine.egress.url` read, and no browser can read another
host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from billhook.engine.egress.url import (
    DEFAULT_PORTS,
    Origin,
    Url,
    parse_authority,
    parse_page_url,
    parse_url,
)
from billhook.engine.errors import DeniedPlace, PaymentLinkRefused
from billhook.engine.verdict import Verdict

_SUBDOMAINS: Final = "*."
_LEAST_LABELS: Final = 2
NOT_LISTED: Final = "host-not-listed"
NOT_HTTPS: Final = "not-https"


class BadPageHost(ValueError):
    """An entry names no host that could be allowed; ``advice`` is a sentence for people."""

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHost:
    """One entry: a host and port, or with *subdomains* every name below that host."""

    host: str
    port: int
    subdomains: bool = False

    @classmethod
    def parse(cls, text: str) -> PageHost:
        """Read ``host``, ``host:port``, ``*.host`` or a URL, of which host and port count.

        Raises BadPageHost.
        """
        if "://" in text:
            url = parse_url(text)
            if isinstance(url, Verdict):
                raise BadPageHost(url.message)
            return cls(host=url.host, port=url.port)
        subdomains = text.startswith(_SUBDOMAINS)
        found = parse_authority(text.removeprefix(_SUBDOMAINS), default_port=DEFAULT_PORTS["https"])
        if isinstance(found, Verdict):
            raise BadPageHost(found.message)
        host, port = found
        if subdomains and (host.is_ip or host.text.count(".") + 1 < _LEAST_LABELS):
            raise BadPageHost("A name of two parts at least must follow the *, as *.example.com.")
        return cls(host=host.text, port=port, subdomains=subdomains)

    def covers(self, url: Url) -> bool:
        """Return whether *url* is at this host and port."""
        if url.port != self.port:
            return False
        if self.subdomains:
            return not url.is_ip and url.host.endswith(f".{self.host}")
        return url.host == self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHosts:
    """The hosts that a link may lead to. There is no other way to allow one."""

    hosts: tuple[PageHost, ...]

    def judge(self, text: str, *, plain: Origin | None = None) -> str:
        """Return the link *text* in its one ASCII form, or raise PaymentLinkRefused.

        It is https, except at the origin *plain*: the source's own, if the operator allows that by
        name. What follows a # is for the browser; it is encoded, too.
        """
        page = parse_page_url(text)
        if isinstance(page, Verdict):
            raise PaymentLinkRefused(page.reason)
        url, fragment = page
        place = DeniedPlace(host=url.host, port=url.port)
        if not any(each.covers(url) for each in self.hosts):
            raise PaymentLinkRefused(NOT_LISTED, place=place)
        if url.scheme != "https" and url.origin != plain:
            raise PaymentLinkRefused(NOT_HTTPS, place=place)
        return f"{url.text}{fragment}"
