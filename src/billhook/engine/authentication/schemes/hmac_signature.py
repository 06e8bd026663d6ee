"""A header with an HMAC (RFC 2104) of a text about the request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import field_text, masked, plain
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
    UnfitField,
)
from billhook.engine.authentication.signed_request import with_header
from billhook.engine.field import FieldInfo
from billhook.engine.http.request import WebRequest
from billhook.engine.tokens.values import Given, Values

_DIGESTS: Final[dict[str, Callable[..., hashlib._Hash]]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha1": hashlib.sha1,  # systems require it, and in an HMAC it isn't broken (RFC 6194, 3.3)
}


def _make(filled: FilledPlan) -> Authenticator:
    key, digest = _key(filled), _DIGESTS[filled["digest"]]
    template = filled.plan.fields["template"].template
    header, prefix, is_hex = filled["header"], filled["prefix"], filled["encoding"] == "hex"
    timestamp_header, form = filled["timestamp_header"], filled["timestamp"]

    def sign(request: WebRequest) -> WebRequest:
        timestamp = _timestamp(form)
        text = template.fill(Values({**filled.given, **_request_values(request, timestamp)}))
        made = hmac.new(key, text.encode("utf-8", "surrogateescape"), digest).digest()
        written = made.hex() if is_hex else base64.b64encode(made).decode()
        if timestamp_header:
            request = with_header(request, timestamp_header, timestamp)
        return with_header(request, header, prefix + written)

    return FixedAuthenticator(sign)


def _key(filled: FilledPlan) -> bytes:
    key, encoding = filled["key"], filled["key_encoding"]
    try:
        if encoding == "base64":
            return base64.b64decode(key, validate=True)
        return bytes.fromhex(key) if encoding == "hex" else key.encode()
    except (ValueError, binascii.Error):
        raise UnfitField(
            "key", f"is not {encoding}. Type it again, or change key_encoding."
        ) from None


def _timestamp(form: str) -> str:
    now = datetime.now(UTC)
    if form == "iso":
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(int(now.timestamp() * (1000 if form == "milliseconds" else 1)))


def _request_values(request: WebRequest, timestamp: str) -> dict[str, Given]:
    """Return the request's own tokens, of any length, since none of them is sent."""
    texts = {
        "Request.Method": request.method,
        "Request.Target": request.target,
        "Request.Body": (request.body or b"").decode("utf-8", "surrogateescape"),
        "Request.Origin": str(request.origin),
        "Timestamp": timestamp,
    }
    return {name: Given(text=text, quoted=True) for name, text in texts.items()}


def _headers(plan: AuthenticationPlan) -> ShownPairs:
    signature = (field_text(plan, "header"), masked(field_text(plan, "prefix")))
    timestamp = field_text(plan, "timestamp_header")
    return ((timestamp, plain("{{Timestamp}}")), signature) if timestamp else (signature,)


SCHEME = Scheme(
    name="hmac",
    title="A signature over the request (HMAC)",
    help="A header with an HMAC (RFC 2104) over a text that you describe.",
    fields=(
        FieldInfo(
            key="header",
            label="Header",
            help="Such as X-Signature.",
            kind="header-name",
            required=True,
        ),
        FieldInfo(key="key", label="Key", help="The shared key.", kind="secret", required=True),
        FieldInfo(
            key="template",
            label="Text to sign",
            help="May hold {{Request.Method}}, {{Request.Target}}, {{Request.Body}}, "
            "{{Request.Origin}}, {{Timestamp}} and variables.",
            kind="request-text",
            default="{{Request.Body}}",
        ),
        FieldInfo(
            key="digest",
            label="Digest",
            help="The hash function.",
            kind="choice",
            default="sha256",
            choices=("sha256", "sha512", "sha1"),
        ),
        FieldInfo(
            key="encoding",
            label="Encoding of the signature",
            help="How the signature is written.",
            kind="choice",
            default="hex",
            choices=("hex", "base64"),
        ),
        FieldInfo(
            key="prefix",
            label="Text before the signature",
            help="Such as sha256=.",
            kind="header-text",
        ),
        FieldInfo(
            key="key_encoding",
            label="Encoding of the key",
            help="How to read the key.",
            kind="choice",
            default="text",
            choices=("text", "base64", "hex"),
        ),
        FieldInfo(
            key="timestamp_header",
            label="Header for the timestamp",
            help="Carries {{Timestamp}}, if the system wants it.",
            kind="header-name",
        ),
        FieldInfo(
            key="timestamp",
            label="Form of {{Timestamp}}",
            help="As 2026-03-31T09:30:00Z, or as seconds or milliseconds since 1970.",
            kind="choice",
            default="iso",
            choices=("iso", "seconds", "milliseconds"),
        ),
    ),
    unsent=frozenset({"key"}),
    make=_make,
    headers=_headers,
)
