"""A strict grammar of our own for URLs, so that no parser can read one in a second way.

Parsers differ on what a strange URL means: they strip tabs, turn backslashes, fold letters or
decode. So a URL that two of them could read differently is refused here, over its raw text, before
any other code sees it (Orange Tsai, "A New Era of SSRF", 2017; RFC 3986; RFC 5891).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple

from billhook.engine.verdict import Verdict

MAX_URL_LENGTH: Final = 2048
"""Characters of a configured or filled URL."""
MAX_LOCATION_LENGTH: Final = 8192
"""Characters of a redirect's target: pre-signed addresses are long."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_MAX_NAME: Final = 253  # RFC 1035, without the trailing dot
_MAX_PORT: Final = 65535
_MAX_PORT_DIGITS: Final = 5
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_ASCII_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER_LABEL: Final = re.compile(r"[0-9]+|0x.*", re.ASCII)
_IPV6_TEXT: Final = re.compile(r"[0-9A-Fa-f:.]+", re.ASCII)
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSENDABLE: Final = re.compile(r"[^!#-;=?-\[\]_a-z~]")  # not in a request target unencoded
_ENCODED_SEPARATOR: Final = re.compile(r"%2[fF]|%5[cC]")
_ENCODED_DOT: Final = re.compile(r"%2[eE]")


class Origin(NamedTuple):
    """The destination of a request: scheme, host and port (RFC 6454).

    ``host`` is ASCII; an IPv6 address has no brackets.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: the default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A URL with one meaning.

    ``host`` is in small letters: a name in its ASCII (A-label) form without a trailing dot, or an
    address in canonical form, IPv6 without brackets. ``target`` is path and query exactly as they
    go on the wire: valid escapes stay as typed; only characters that aren't allowed are encoded.
    """

    scheme: str
    host: str
    port: int
    target: str
    is_ip: bool

    @property
    def origin(self) -> Origin:
        """Scheme, host and port."""
        return Origin(scheme=self.scheme, host=self.host, port=self.port)

    @property
    def authority(self) -> str:
        """Host and port as in a Host header."""
        return self.origin.authority

    @property
    def text(self) -> str:
        """The whole URL in its one ASCII form."""
        return f"{self.origin}{self.target}"


def parse_url(text: str, *, limit: int = MAX_URL_LENGTH) -> Url | Verdict:
    """Read *text* as an http or https URL, or say with a verdict why it isn't one.

    Only the grammar is judged here, not whether the policy allows the address. Characters that
    are not allowed in a path or query (``ü``, ``"``, ``<``, ``|``, …) are percent-encoded as
    browsers do; everything else keeps its bytes. *limit* is in characters.
    """
    flaw = _flaw_of_raw_text(text, limit)
    if flaw is not None:
        return flaw
    match = _SCHEME.match(text)
    if match is None or match[1].lower() not in DEFAULT_PORTS:
        return Verdict.DENIED_SCHEME
    if not text.startswith("//", match.end()):
        return Verdict.DENIED_SLASHES
    return _parse_hierarchy(match[1].lower(), text[match.end() + 2 :])


def parse_page_url(text: str) -> tuple[Url, str] | Verdict:
    """Read *text* as the URL of a page for a browser: return it and its fragment, or a verdict.

    Unlike in a request, a fragment is allowed. It is returned with its ``#``, percent-encoded as a
    query is, and is empty without one.
    """
    address, mark, fragment = text.partition("#")
    url = parse_url(address, limit=MAX_LOCATION_LENGTH - len(fragment))
    if isinstance(url, Verdict):
        return url
    if holds_control_or_space(fragment):
        return Verdict.DENIED_CONTROL_CHARACTER
    if holds_half_a_character(fragment):
        return Verdict.DENIED_UNICODE
    return url, f"{mark}{encode_target(fragment)}"


def _flaw_of_raw_text(text: str, limit: int) -> Verdict | None:
    if not text:
        return Verdict.DENIED_EMPTY
    if len(text) > limit:
        return Verdict.DENIED_TOO_LONG
    if holds_control_or_space(text):
        return Verdict.DENIED_CONTROL_CHARACTER
    if "\\" in text:
        return Verdict.DENIED_BACKSLASH
    if holds_half_a_character(text):
        return Verdict.DENIED_UNICODE
    return None


def holds_half_a_character(text: str) -> bool:
    """Say whether *text* has a lone surrogate, which no encoding can send."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def holds_control_or_space(text: str) -> bool:
    """Say whether *text* has a control or space character of any script.

    Parsers strip or split at them: urlsplit removes tabs and line breaks, getaddrinfo stops at
    NUL, and ``str.split`` knows U+0085 and U+2028.
    """
    if text.isascii():
        return _ASCII_CONTROL.search(text) is not None
    return any(unicodedata.category(character) in {"Cc", "Zs", "Zl", "Zp"} for character in text)


def _parse_hierarchy(scheme: str, rest: str) -> Url | Verdict:
    match = _AUTHORITY_END.search(rest)
    end = len(rest) if match is None else match.start()
    authority, tail = rest[:end], rest[end:]
    if "@" in authority:
        return Verdict.DENIED_USERINFO
    host_and_port = parse_authority(authority, default_port=DEFAULT_PORTS[scheme])
    if isinstance(host_and_port, Verdict):
        return host_and_port
    host, port = host_and_port
    target = _parse_target(tail)
    if isinstance(target, Verdict):
        return target
    return Url(scheme=scheme, host=host.text, port=port, target=target, is_ip=host.is_ip)


def parse_authority(authority: str, *, default_port: int | None) -> tuple[Host, int] | Verdict:
    """Read ``host`` or ``host:port``; without a default, the port is required."""
    if authority.startswith("["):
        inside, bracket, after = authority[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            return Verdict.DENIED_HOST_BRACKETS
        name, colon, digits = f"[{inside}]", after[:1], after[1:]
    else:
        before, colon, after = authority.rpartition(":")
        name, digits = (before, after) if colon else (after, "")
    port = parse_port(digits) if colon else default_port
    if port is None:
        return Verdict.DENIED_PORT_SYNTAX
    host = parse_host(name)
    return host if isinstance(host, Verdict) else (host, port)


def parse_port(digits: str) -> int | None:
    """Read a port strictly: ``int`` alone would take +443, 4_43, 0443 and other scripts' digits."""
    if not (digits.isascii() and digits.isdigit()) or digits[0] == "0":
        return None
    if len(digits) > _MAX_PORT_DIGITS or int(digits) > _MAX_PORT:
        return None
    return int(digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host in its one ASCII form; IPv6 has no brackets."""

    text: str
    is_ip: bool


@lru_cache(maxsize=1024)
def parse_host(text: str) -> Host | Verdict:
    """Read a bare host as in a URL: a name, IPv4, or IPv6 in brackets.

    One trailing dot is dropped. A name whose last label is a number must be canonical IPv4, since
    resolvers read 127.1, 0x7f.1 and 2130706433 as addresses (WHATWG URL, "ends in a number").
    """
    if text.startswith("["):
        return _parse_bracketed(text)
    name = text.removesuffix(".").lower() if text.isascii() else _encode_name(text)
    if isinstance(name, Verdict):
        return name
    labels = name.split(".")
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        return _parse_ipv4(name)
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        return Verdict.DENIED_HOST_SYNTAX
    if not all(_is_valid_alabel(label) for label in labels if label.startswith("xn--")):
        return Verdict.DENIED_HOST_UNICODE
    return Host(text=name, is_ip=False)


def _parse_bracketed(text: str) -> Host | Verdict:
    inside = text[1:-1]
    if not text.endswith("]") or not _IPV6_TEXT.fullmatch(inside):
        return Verdict.DENIED_HOST_BRACKETS
    try:
        return Host(text=IPv6Address(inside).compressed, is_ip=True)
    except AddressValueError:
        return Verdict.DENIED_HOST_BRACKETS


def _parse_ipv4(text: str) -> Host | Verdict:
    try:
        return Host(text=str(IPv4Address(text)), is_ip=True)
    except AddressValueError:
        return Verdict.DENIED_HOST_NUMBER


def _encode_name(text: str) -> str | Verdict:
    """Encode a name with letters beyond ASCII by IDNA 2008, without any mapping.

    Mapping (UTS 46) is how ``①②⑦.⓪.⓪.①`` and full-width dots become 127.0.0.1.
    """
    labels = text.removesuffix(".").split(".")
    if labels[-1].isdecimal():
        return Verdict.DENIED_HOST_NUMBER  # the digits of another script: int() would read them
    encoded = [label.lower() if label.isascii() else _encode_label(label) for label in labels]
    if any(label is None for label in encoded):
        return Verdict.DENIED_HOST_UNICODE
    return ".".join(label for label in encoded if label is not None)


def _encode_label(label: str) -> str | None:
    import idna  # only such names need its tables

    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:
        return None


def _is_valid_alabel(label: str) -> bool:
    import idna

    try:
        return idna.alabel(idna.ulabel(label)).decode("ascii") == label
    except idna.IDNAError:
        return False


def _parse_target(tail: str) -> str | Verdict:
    if "#" in tail:
        return Verdict.DENIED_FRAGMENT
    if _STRAY_PERCENT.search(tail):
        return Verdict.DENIED_PERCENT
    path, mark, query = tail.partition("?")
    if has_dot_segment(path):
        return Verdict.DENIED_DOT_SEGMENT
    return encode_target(f"{path or '/'}{mark}{query}")


def encode_target(text: str) -> str:
    """Percent-encode characters that aren't allowed in a path or query; keep all other bytes."""
    return _UNSENDABLE.sub(_percent_encode, text)


def has_dot_segment(path: str) -> bool:
    """Say whether a reader may take a segment of *path* for ``.`` or ``..``.

    Origins decode ``%2e``, ``%2f`` and ``%5c`` before they resolve a path, and some drop what
    follows a ``;`` (Tomcat's ``/..;/``), so all of these count.
    """
    plain = _ENCODED_DOT.sub(".", _ENCODED_SEPARATOR.sub("/", path))
    return any(segment.partition(";")[0] in {".", ".."} for segment in plain.split("/"))


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
