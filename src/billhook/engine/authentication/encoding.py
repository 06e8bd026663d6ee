"""One percent-encoding for what is signed, so that signer, wire and verifier see the same bytes.

A verifier decodes a path or query and encodes it again before it checks the signature. Only where
every character but the unreserved ones is encoded already does that give back what we signed.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, unquote_to_bytes

from billhook.engine.http.request import WebRequest


def with_target(request: WebRequest, target: str) -> WebRequest:
    """Return *request* with another path and query."""
    return replace(request, url=f"{request.origin}{target}", target=target)


def encode_path(path: str, *, as_key: bool = False) -> str:
    """Encode all but unreserved characters (RFC 3986, 2.3) and the slashes between segments.

    With *as_key*, the path is an object's key, in which an encoded slash is a slash (S3).
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
