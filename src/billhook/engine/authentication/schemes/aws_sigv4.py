"""AWS Signature 4, made by Amazon's own library."""

from __future__ import annotations

import logging
from typing import Final

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import masked, plain
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    Scheme,
    ShownPairs,
)
from billhook.engine.authentication.signed_request import (
    encode_path,
    encode_query,
    with_header,
    with_target,
)
from billhook.engine.field import FieldInfo
from billhook.engine.http.request import WebRequest

_HEADERS: Final = (
    "Date",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-SHA256",
    "Authorization",
)
# at level DEBUG it logs the text that it signs, and with it tokens and bodies
logging.getLogger("botocore.auth").setLevel(logging.WARNING)


def _make(filled: FilledPlan) -> Authenticator:
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    is_s3 = filled["service"] == "s3"
    token = filled["session_token"] or None
    credentials = Credentials(filled["access_key"], filled["secret_key"], token)
    auth = (S3SigV4Auth if is_s3 else SigV4Auth)(credentials, filled["service"], filled["region"])

    def sign(request: WebRequest) -> WebRequest:
        path, mark, query = request.target.partition("?")
        target = f"{encode_path(path, as_key=is_s3)}{mark}{encode_query(query)}"
        request = with_target(request, target)
        raw = AWSRequest(method=request.method, url=request.url, data=request.body or b"")
        for name, value in request.headers:
            raw.headers[name] = value  # this adds: several of one name are allowed
        auth.add_auth(raw)
        for name in _HEADERS:
            if name in raw.headers:
                request = with_header(request, name, raw.headers[name])
        return request

    return FixedAuthenticator(sign)


def _headers(plan: AuthenticationPlan) -> ShownPairs:
    timestamp = ("X-Amz-Date", plain("{{Timestamp}}"))
    signature = ("Authorization", masked("AWS4-HMAC-SHA256 "))
    if plan.fields["session_token"].template.pieces:
        return (timestamp, ("X-Amz-Security-Token", masked()), signature)
    return (timestamp, signature)


SCHEME = Scheme(
    name="aws-sigv4",
    title="AWS Signature 4",
    help="For Amazon's APIs, and for object stores with an S3 API.",
    fields=(
        FieldInfo(
            key="access_key",
            label="Access key ID",
            help="Such as AKIA….",
            kind="header-text",
            required=True,
        ),
        FieldInfo(
            key="secret_key",
            label="Secret access key",
            help="The key that signs.",
            kind="secret",
            required=True,
        ),
        FieldInfo(
            key="session_token", label="Session token", help="For temporary keys.", kind="secret"
        ),
        FieldInfo(
            key="region",
            label="Region",
            help="Such as eu-central-1.",
            kind="header-text",
            required=True,
        ),
        FieldInfo(
            key="service",
            label="Service",
            help="Such as s3 or invoicing.",
            kind="header-text",
            required=True,
        ),
    ),
    unsent=frozenset({"secret_key"}),
    make=_make,
    headers=_headers,
)
