"""Schemes that need nothing but the request and the credentials: headers, parameters, signatures.

Each ``sign_…`` takes a scheme's fields with their values and returns a function that takes a filled
request and gives it signed. The signatures of AWS, OAuth 1.0a and Standard Webhooks are made by the
libraries that are known for them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from billhook.engine.authentication.encoding import encode_path, encode_query, with_target
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.http.request import WebRequest
from billhook.engine.record import new_run_id
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.values import Given, Values

Fields = Mapping[str, str]
Signer = Callable[[WebRequest], WebRequest]
REQUEST_TOKENS: Final = frozenset(
    {"Request.Method", "Request.Target", "Request.Body", "Request.Origin", "Timestamp"}
)
"""What the text that an HMAC is made over may hold, beside variables and secrets."""

_FORM: Final = "application/x-www-form-urlencoded"

for _name in ("botocore.auth", "oauthlib"):
    # at the level of debugging they log what they sign, and with it tokens and bodies
    logging.getLogger(_name).setLevel(logging.WARNING)


class UnfitField(Exception):
    """A field's value with which nothing can be signed. *reason* goes on from its label."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field)
        self.field = field
        self.reason = reason


def with_header(request: WebRequest, name: str, value: str) -> WebRequest:
    """Return *request* with one more header; one of that name that it has already is replaced."""
    kept = tuple(header for header in request.headers if header[0].lower() != name.lower())
    return replace(request, headers=(*kept, (name, value)), carries_secret=True)


def with_parameter(request: WebRequest, name: str, value: str) -> WebRequest:
    """Return *request* with one more parameter at the end of its query."""
    joint = "&" if "?" in request.target else "?"
    added = f"{joint}{quote(name, safe='')}={quote(value, safe='')}"
    return replace(with_target(request, request.target + added), carries_secret=True)


def authorization(prefix: str, token: str) -> str:
    """Return an Authorization header's value: the scheme's word, if any, then the token."""
    return prefix + token if prefix.endswith("=") else f"{prefix} {token}".strip()


def sign_basic(fields: Fields) -> Signer:
    """RFC 7617, in UTF-8."""
    if ":" in fields["username"]:
        raise UnfitField("username", "can't hold a colon, where the password would begin.")
    pair = f"{fields['username']}:{fields['password']}".encode()
    value = f"Basic {base64.b64encode(pair).decode()}"
    return lambda request: with_header(request, "Authorization", value)


def sign_bearer(fields: Fields) -> Signer:
    """RFC 6750, or the same with another word or none."""
    value = authorization(fields["prefix"], fields["token"])
    return lambda request: with_header(request, "Authorization", value)


def sign_with_header(fields: Fields) -> Signer:
    """A key in a header of the system's own."""
    return lambda request: with_header(request, fields["name"], fields["value"])


def sign_with_query(fields: Fields) -> Signer:
    """A key as a parameter of the URL."""
    return lambda request: with_parameter(request, fields["name"], fields["value"])


def sign_hmac(fields: Fields, template: Template, given: Mapping[str, Given]) -> Signer:
    """RFC 2104 over the text that *template* makes of the request and what is *given*."""
    key = _hmac_key(fields)
    digest = _DIGESTS[fields["digest"]]

    def sign(request: WebRequest) -> WebRequest:
        moment = _moment(fields["timestamp"])
        text = template.fill(Values({**given, **_request_values(request, moment)}))
        made = hmac.new(key, text.encode("utf-8", "surrogateescape"), digest).digest()
        is_hex = fields["encoding"] == "hex"
        written = made.hex() if is_hex else base64.b64encode(made).decode()
        if fields["timestamp_header"]:
            request = with_header(request, fields["timestamp_header"], moment)
        return with_header(request, fields["header"], fields["prefix"] + written)

    return sign


_DIGESTS: Final[dict[str, Callable[..., hashlib._Hash]]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha1": hashlib.sha1,  # systems ask for it, and in an HMAC it isn't broken (RFC 6194, 3.3)
}


def _hmac_key(fields: Fields) -> bytes:
    key, encoding = fields["key"], fields["key_encoding"]
    try:
        if encoding == "base64":
            return base64.b64decode(key, validate=True)
        return bytes.fromhex(key) if encoding == "hex" else key.encode()
    except (ValueError, binascii.Error):
        raise UnfitField(
            "key", f"is not {encoding}. Type it again, or change key_encoding."
        ) from None


def _moment(form: str) -> str:
    now = datetime.now(UTC)
    if form == "iso":
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(int(now.timestamp() * (1000 if form == "milliseconds" else 1)))


def _request_values(request: WebRequest, moment: str) -> dict[str, Given]:
    """Return the request's own tokens: as long as they are, since nothing of them is sent."""
    texts = {
        "Request.Method": request.method,
        "Request.Target": request.target,
        "Request.Body": (request.body or b"").decode("utf-8", "surrogateescape"),
        "Request.Origin": str(request.origin),
        "Timestamp": moment,
    }
    return {name: Given(text=text, quoted=True) for name, text in texts.items()}


def sign_standard_webhooks(fields: Fields) -> Signer:
    """The symmetric signature of the Standard Webhooks specification, version 1."""
    from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

    try:
        webhook = Webhook(fields["key"])
    except (ValueError, EmptyWebhookSecretError):
        raise UnfitField("key", "is whsec_ and base 64 after it. Type it again.") from None

    def sign(request: WebRequest) -> WebRequest:
        message, moment = f"msg_{new_run_id()}", datetime.now(UTC)
        signature = webhook.sign(message, moment, (request.body or b"").decode())
        request = with_header(request, "webhook-id", message)
        request = with_header(request, "webhook-timestamp", str(int(moment.timestamp())))
        return with_header(request, "webhook-signature", signature)

    return sign


def sign_aws(fields: Fields) -> Signer:
    """AWS Signature Version 4; for S3 its own kind, which encodes the path once."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    is_s3 = fields["service"] == "s3"
    token = fields["session_token"] or None
    credentials = Credentials(fields["access_key"], fields["secret_key"], token)
    auth = (S3SigV4Auth if is_s3 else SigV4Auth)(credentials, fields["service"], fields["region"])

    def sign(request: WebRequest) -> WebRequest:
        path, mark, query = request.target.partition("?")
        target = f"{encode_path(path, as_key=is_s3)}{mark}{encode_query(query)}"
        request = with_target(request, target)
        raw = AWSRequest(method=request.method, url=request.url, data=request.body or b"")
        for name, value in request.headers:
            raw.headers[name] = value  # it adds: several of one name may stand there
        auth.add_auth(raw)
        for name in _AWS_HEADERS:
            if name in raw.headers:
                request = with_header(request, name, raw.headers[name])
        return request

    return sign


_AWS_HEADERS: Final = (
    "Date",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-SHA256",
    "Authorization",
)


def sign_oauth1(fields: Fields) -> Signer:
    """RFC 5849, in an Authorization header; the parameters of a form body are signed too."""
    from oauthlib.oauth1 import Client

    if '"' in fields["realm"] or "\\" in fields["realm"]:
        raise UnfitField("realm", "can't hold a quote or a backslash.")
    client = Client(
        fields["consumer_key"],
        client_secret=fields["consumer_secret"],
        resource_owner_key=fields["token"] or None,
        resource_owner_secret=fields["token_secret"] or None,
        realm=fields["realm"] or None,
        signature_method=fields["digest"],
    )

    def sign(request: WebRequest) -> WebRequest:
        path, mark, query = request.target.partition("?")
        request = with_target(request, f"{path}{mark}{encode_query(query)}")
        form = _form_body(request)
        headers = {"Content-Type": _FORM} if form else {}
        try:
            _, signed, _ = client.sign(
                request.url, request.method, form, headers, realm=fields["realm"] or None
            )
        except ValueError:
            raise AuthenticationFailed(
                "The request's form can't be signed with OAuth 1.0a: "
                "its parameters have to be percent-encoded throughout."
            ) from None
        return with_header(request, "Authorization", signed["Authorization"])

    return sign


def _form_body(request: WebRequest) -> str | None:
    types = [value for name, value in request.headers if name.lower() == "content-type"]
    is_form = bool(types) and types[0].partition(";")[0].strip().lower() == _FORM
    return request.body.decode() if is_form and request.body else None
