"""Changes that authentication makes to a request: headers, parameters and percent-encoding.

A verifier decodes a path or query and encodes it again before it checks a signature. The result
equals what was signed only if every character except the unreserved ones was encoded already.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, unquote_to_bytes

from billhook.engine.http.request import WebRequest


def with_header(request: WebRequest, name: str, value: str) -> WebRequest:
    """Return *request* with this header, which replaces any of the same name."""
    kept = tuple(header for header in request.headers if header[0].lower() != name.lower())
    return replace(request, headers=(*kept, (name, value)), carries_secret=True)


def with_parameter(request: WebRequest, name: str, value: str) -> WebRequest:
    """Return *request* with one more parameter at the end of its query."""
    joint = "&" if "?" in request.target else "?"
    added = f"{joint}{quote(name, safe='')}={quote(value, safe='')}"
    return replace(with_target(request, request.target + added), carries_secret=True)


def with_target(request: WebRequest, target: str) -> WebRequest:
    """Return *request* with another path and query."""
    return replace(request, url=f"{request.origin}{target}", target=target)


def authorization_value(prefix: str, token: str) -> str:
    """Return the value of an Authorization header: the scheme's word, if any, then the token."""
    return prefix + token if prefix.endswith("=") else f"{prefix} {token}".strip()


def encode_path(path: str, *, as_key: bool = False) -> str:
    """Encode all but unreserved characters (RFC 3986, 2.3) and the slashes between segments.

    With *as_key*, the path is the key of an object, where an encoded slash is a slash (S3).
    """
    if as_key:
        return quote(unquote_to_bytes(path), safe="/")
    return "/".join(_encode(segment) for segment in path.split("/"))


def encode_query(query: str) -> str:
    """Encode all but unreserved characters in the names and values of *query*."""
    return "&".join(_encode_pair(pair) for pair in query.split("&"))


def _encode_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{_encode(name)}{equals}{_encode(value)}"


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="")
