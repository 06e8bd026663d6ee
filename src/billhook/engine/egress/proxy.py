"""The operator's outgoing proxy: its address, what goes through it, and what it learns."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from billhook.engine.egress.url import parse_authority
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.secret import Secret
from billhook.engine.verdict import Verdict

_HOST: Final = re.compile(r"\.?[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_HOW: Final = "Write http://host:port or http://user:password@host:port."


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingProxy:
    """An HTTP proxy that opens tunnels (CONNECT, RFC 9110, 9.3.6).

    ``exceptions`` are hosts that are reached directly, or with a dot before them whole domains.
    Unless ``by_name``, the proxy gets addresses that the guard has judged, and no names.
    """

    host: str
    port: int
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""), repr=False)
    exceptions: tuple[str, ...] = ()
    by_name: bool = False

    @classmethod
    def parse(
        cls, text: str, *, exceptions: Iterable[str] = (), by_name: bool = False
    ) -> OutgoingProxy:
        """Read the address of a proxy; raise ConfigurationError without repeating its password."""
        try:
            split = urlsplit(text)
        except ValueError:
            raise _error(f"This is not the address of a proxy. {_HOW}") from None
        _, _, authority = split.netloc.rpartition("@")
        place = parse_authority(authority, default_port=None)
        if split.scheme != "http" or split.path.strip("/") or split.query or split.fragment:
            raise _error(f"The proxy speaks plain HTTP and has no path. {_HOW}")
        if isinstance(place, Verdict):
            raise _error(f"The host or the port of the proxy is missing or wrong. {_HOW}")
        host, port = place
        return cls(
            host=host.text,
            port=port,
            user=unquote(split.username or ""),
            password=Secret(unquote(split.password or "")),
            exceptions=tuple(_exception(each) for each in exceptions),
            by_name=by_name,
        )

    def covers(self, host: str) -> bool:
        """Return whether *host* (as in ``Url.host``) is reached through the proxy."""
        return not any(
            host == each or (each.startswith(".") and host.endswith(each))
            for each in self.exceptions
        )

    def connect_request(self, authority: str) -> bytes:
        """Return the request for a tunnel to *authority*."""
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.user:
            pair = f"{self.user}:{self.password.reveal()}".encode()
            lines.append(f"Proxy-Authorization: Basic {b64encode(pair).decode()}")
        return "\r\n".join([*lines, "", ""]).encode()


def _exception(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise _error(f"“{text}” is not a host. Write a host, or .example.com for a whole domain.")
    return text.lower().strip("[]")


def _error(message: str) -> ConfigurationError:
    return ConfigurationError((Problem(code="egress-policy", message=message, where="proxy"),))
