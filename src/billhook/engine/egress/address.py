"""Reads an address out of a response, such as a Location, as browsers do, and strictly."""

from __future__ import annotations

import re
from typing import Final

from billhook.engine.egress.url import (
    DEFAULT_PORTS,
    MAX_LOCATION_LENGTH,
    Url,
    parse_url,
)
from billhook.engine.verdict import Verdict

_ENDS: Final = "".join(map(chr, range(0x21)))
"""Control characters and spaces, which browsers drop at both ends (WHATWG URL, 4.4)."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_AUTHORITY: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?]*", re.ASCII)
_ENCODED_BY_BROWSERS: Final = re.compile(r"[ \x80-\U0010ffff]|%(?![0-9A-Fa-f]{2})")


def read_address(text: str, base: Url) -> Url | Verdict:
    """Read *text*, an address in a response to *base*, which may be relative (RFC 3986, 5.2).

    Spaces, letters beyond ASCII and stray percent signs in path and query are percent-encoded, and
    the segments ``.`` and ``..`` resolved. Bytes that aren't UTF-8 stay the same bytes. Scheme,
    host and port are read as strictly as those of any URL. A fragment is dropped: it is for the
    reader of the response.
    """
    bare = text.strip(_ENDS).partition("#")[0]
    if len(bare) > MAX_LOCATION_LENGTH:
        return Verdict.DENIED_TOO_LONG
    try:
        encoded = _encode(bare)
    except UnicodeEncodeError:  # half of a surrogate pair
        return Verdict.DENIED_UNICODE
    absolute = encoded if _SCHEME.match(encoded) else _absolute(base, encoded)
    return parse_url(_without_dots(absolute), limit=MAX_LOCATION_LENGTH)


def _encode(text: str) -> str:
    """Percent-encode *text* from its path on, as *_ENCODED_BY_BROWSERS* says."""
    authority = _AUTHORITY.match(text)
    start = authority.end() if authority else 0
    return text[:start] + _ENCODED_BY_BROWSERS.sub(_percent_encode, text[start:])


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode(errors="surrogateescape"))


def _absolute(base: Url, relative: str) -> str:
    if relative.startswith("//"):
        return f"{base.scheme}:{relative}"
    if not relative:
        return base.text
    origin, path = f"{base.scheme}://{base.authority}", base.target.partition("?")[0]
    if relative.startswith("?"):
        return f"{origin}{path}{relative}"
    if relative.startswith("/"):
        return f"{origin}{relative}"
    return f"{origin}{path.rpartition('/')[0]}/{relative}"


def _without_dots(absolute: str) -> str:
    """Resolve the segments ``.`` and ``..`` of the path (RFC 3986, 5.2.4), none that is encoded."""
    match = _AUTHORITY.match(absolute)
    if match is None or match[0].partition(":")[0].lower() not in DEFAULT_PORTS:
        return absolute
    path, mark, query = absolute[match.end() :].partition("?")
    segments: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            del segments[max(len(segments) - 1, 1) :]  # the root stays
        elif part != ".":
            segments.append(part)
    if parts[-1] in {".", ".."}:
        segments.append("")
    return f"{match[0]}{'/'.join(segments)}{mark}{query}"
