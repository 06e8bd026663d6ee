"""Schemes that need nothing but the request and the credentials: headers, parameters, signatures.

Each function here takes a filled request and gives it signed. The signatures of AWS, OAuth 1.0a and
Standard Webhooks are made by the libraries that are known for them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from billhook.engine.command import WebRequest
from billhook.engine.errors import SignInFailed
from billhook.engine.template import Template
from billhook.engine.values import Values, take_value

Fields = Mapping[str, str]
Signer = Callable[[WebRequest], WebRequest]
REQUEST_TOKENS: Final = frozenset(
    {"Request.Method", "Request.Target", "Request.Body", "Request.Origin", "Timestamp"}
)
"""What the text that an HMAC is made over may hold, beside variables."""


def with_header(request: WebRequest, name: str, value: str) -> WebRequest:
    """Return *request* with one more header; one of that name that it has already is replaced."""
    kept = tuple(header for header in request.headers if header[0].lower() != name.lower())
    return replace(request, headers=(*kept, (name, value)), carries_secret=True)


def with_parameter(request: WebRequest, name: str, value: str) -> WebRequest:
    """Return *request* with one more parameter at the end of its query."""
    joint = "&" if "?" in request.target else "?"
    added = f"{joint}{quote(name, safe='')}={quote(value, safe='')}"
    site = request.url[: len(request.url) - len(request.target)]
    target = request.target + added
    return replace(request, url=site + target, target=target, carries_secret=True)


def authorization(fields: Fields, token: str) -> str:
    """Return an Authorization header's value: the scheme's word, if any, then the token."""
    return f"{fields['prefix']} {token}".strip()


def sign_basic(fields: Fields) -> Signer:
    """RFC 7617, in UTF-8."""
    pair = f"{fields['username']}:{fields['password']}".encode()
    value = f"Basic {base64.b64encode(pair).decode()}"
    return lambda request: with_header(request, "Authorization", value)


def sign_bearer(fields: Fields) -> Signer:
    """RFC 6750, or the same with another word or none."""
    value = authorization(fields, fields["token"])
    return lambda request: with_header(request, "Authorization", value)


def sign_with_header(fields: Fields) -> Signer:
    """A key in a header of the system's own."""
    return lambda request: with_header(request, fields["name"], fields["value"])


def sign_with_query(fields: Fields) -> Signer:
    """A key as a parameter of the URL."""
    return lambda request: with_parameter(request, fields["name"], fields["value"])


def sign_hmac(fields: Fields, template: Template) -> Signer:
    """RFC 2104 over the text that *template* makes of the request."""

    def sign(request: WebRequest) -> WebRequest:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = template.fill(_request_values(request, moment))
        digest = hmac.new(fields["key"].encode(), text.encode(), _digest(fields["digest"])).digest()
        is_hex = fields["encoding"] == "hex"
        written = digest.hex() if is_hex else base64.b64encode(digest).decode()
        if fields["timestamp_header"]:
            request = with_header(request, fields["timestamp_header"], moment)
        return with_header(request, fields["header"], fields["prefix"] + written)

    return sign


def _digest(name: str) -> Callable[..., hashlib._Hash]:
    """SHA-1 is offered because systems ask for it; in an HMAC it isn't broken (RFC 6194, 3.3)."""
    return {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "sha1": hashlib.sha1}[name]


def _request_values(request: WebRequest, moment: str) -> Values:
    given = {
        "Request.Method": request.method,
        "Request.Target": request.target,
        "Request.Body": (request.body or b"").decode("utf-8", "surrogateescape"),
        "Request.Origin": str(request.origin),
        "Timestamp": moment,
    }
    return Values({name: take_value(value) for name, value in given.items()})


def sign_standard_webhooks(fields: Fields) -> Signer:
    """The symmetric signature of the Standard Webhooks specification, version 1."""
    from standardwebhooks import Webhook

    webhook = Webhook(fields["key"])

    def sign(request: WebRequest) -> WebRequest:
        from billhook.engine.record import new_run_id

        message, moment = f"msg_{new_run_id()}", datetime.now(UTC)
        signature = webhook.sign(message, moment, (request.body or b"").decode())
        request = with_header(request, "webhook-id", message)
        request = with_header(request, "webhook-timestamp", str(int(moment.timestamp())))
        return with_header(request, "webhook-signature", signature)

    return sign


def sign_aws(fields: Fields) -> Signer:
    """AWS Signature Version 4; for S3 its own kind, which leaves the path as it is."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    token = fields["session_token"] or None
    credentials = Credentials(fields["access_key"], fields["secret_key"], token)
    kind = S3SigV4Auth if fields["service"] == "s3" else SigV4Auth
    auth = kind(credentials, fields["service"], fields["region"])

    def sign(request: WebRequest) -> WebRequest:
        raw = AWSRequest(
            method=request.method,
            url=request.url,
            data=request.body or b"",
            headers=dict(request.headers),
        )
        auth.add_auth(raw)
        for name, value in raw.headers.items():
            request = with_header(request, name, value)
        return request

    return sign


def sign_oauth1(fields: Fields) -> Signer:
    """RFC 5849, in an Authorization header; the parameters of a form body are signed too."""
    from oauthlib.oauth1 import Client

    client = Client(
        fields["consumer_key"],
        client_secret=fields["consumer_secret"],
        resource_owner_key=fields["token"] or None,
        resource_owner_secret=fields["token_secret"] or None,
        realm=fields["realm"] or None,
        signature_method=fields["digest"],
    )

    def sign(request: WebRequest) -> WebRequest:
        form = _form_body(request)
        headers = {"Content-Type": _FORM} if form else {}
        try:
            _, signed, _ = client.sign(request.url, request.method, form, headers)
        except ValueError:
            raise SignInFailed(
                "The request's URL or form can't be signed with OAuth 1.0a: "
                "its parameters have to be percent-encoded throughout."
            ) from None
        return with_header(request, "Authorization", signed["Authorization"])

    return sign


_FORM: Final = "application/x-www-form-urlencoded"


def _form_body(request: WebRequest) -> str | None:
    types = [value for name, value in request.headers if name.lower() == "content-type"]
    is_form = bool(types) and types[0].partition(";")[0].strip().lower() == _FORM
    return request.body.decode() if is_form and request.body else None
