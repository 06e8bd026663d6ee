"""The symmetric signature of the Standard Webhooks specification, version 1."""

from __future__ import annotations

from datetime import UTC, datetime

from billhook.engine.authentication.authenticator import Authenticator, FixedAuthenticator
from billhook.engine.authentication.preview import masked, plain
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
from billhook.engine.record import new_run_id


def _make(filled: FilledPlan) -> Authenticator:
    from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

    try:
        webhook = Webhook(filled["key"])
    except (ValueError, EmptyWebhookSecretError):
        raise UnfitField("key", "is whsec_ followed by base 64. Type it again.") from None

    def sign(request: WebRequest) -> WebRequest:
        message, timestamp = f"msg_{new_run_id()}", datetime.now(UTC)
        signature = webhook.sign(message, timestamp, (request.body or b"").decode())
        request = with_header(request, "webhook-id", message)
        request = with_header(request, "webhook-timestamp", str(int(timestamp.timestamp())))
        return with_header(request, "webhook-signature", signature)

    return FixedAuthenticator(sign)


def _headers(_: AuthenticationPlan) -> ShownPairs:
    return (
        ("webhook-id", plain("msg_{{RunId}}")),
        ("webhook-timestamp", plain("{{Timestamp}}")),
        ("webhook-signature", masked("v1,")),
    )


SCHEME = Scheme(
    name="standard-webhooks",
    title="Standard Webhooks signature",
    help="The headers webhook-id, webhook-timestamp and webhook-signature.",
    fields=(
        FieldInfo(
            key="key",
            label="Key",
            help="The shared key, which begins with whsec_.",
            kind="secret",
            required=True,
        ),
    ),
    unsent=frozenset({"key"}),
    make=_make,
    headers=_headers,
)
