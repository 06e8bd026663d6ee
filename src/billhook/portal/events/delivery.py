"""One attempt to deliver an event: signed by Standard Webhooks, sent through the guard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from standardwebhooks import Webhook

from billhook.engine.egress.url import Url, parse_url
from billhook.engine.errors import BillhookError
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.retries import asked_pause
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport, Response, Transport
from billhook.engine.secret import Secret
from billhook.portal.events.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from billhook.portal.events.secret import open_secret
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.storage.sealing import SealBroken

SECONDS: Final = 15.0
LONGEST_ASKED: Final = timedelta(days=1)
"""The longest pause that a receiver can ask for with Retry-After; a longer one counts as this."""
GONE: Final = 410
_STEP: Final = "webhook"
_MOST_BYTES: Final = 64_000
_LIMITS: Final = Limits(timeout=SECONDS, max_bytes=_MOST_BYTES)
_GOOD: Final = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """The outcome of an attempt: a status if there was a response, and a reason if it failed.

    ``asked_pause`` is the time that the receiver asks for before the next attempt, if it does.
    """

    status: int | None = None
    reason: str = ""
    asked_pause: timedelta = timedelta()

    @property
    def worked(self) -> bool:
        """Whether the receiver has taken the event."""
        return not self.reason


def payload_of(event: WebhookEvent) -> bytes:
    """Return the body that *event* has in every delivery."""
    happened_at = event.happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    document = {"type": event.kind, "timestamp": happened_at, "data": event.data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def secrets_of(endpoint: WebhookEndpoint, *, now: datetime) -> list[Secret]:
    """Return the secrets that sign for *endpoint* now: the old one too, for a day."""
    sealed = [bytes(endpoint.secret)]
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > now:
        sealed.append(bytes(endpoint.old_secret))
    return [
        open_secret(each, organisation_id=endpoint.organisation_id, endpoint_id=endpoint.id)
        for each in sealed
    ]


def signed_headers(
    message_id: str, body: bytes, secrets: Sequence[Secret], *, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return the headers of Standard Webhooks for *body*."""
    signatures = [Webhook(each.reveal()).sign(message_id, now, body.decode()) for each in secrets]
    return (
        ("webhook-id", message_id),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", " ".join(signatures)),
        ("content-type", "application/json"),
        ("user-agent", "Billhook"),
    )


def attempt_all(
    endpoint: WebhookEndpoint,
    deliveries: Sequence[WebhookDelivery],
    *,
    transport: Transport | None = None,
) -> list[DeliveryAttempt]:
    """Send *deliveries* at the same time; return the outcomes in their order."""
    return asyncio.run(_attempt_all(endpoint, deliveries, transport))


async def _attempt_all(
    endpoint: WebhookEndpoint,
    deliveries: Sequence[WebhookDelivery],
    transport: Transport | None,
) -> list[DeliveryAttempt]:
    own = None
    if transport is None:
        transport = own = HttpTransport(egress_policy(endpoint.organisation_id))
    try:
        attempts = (_attempt(endpoint, each.event, transport) for each in deliveries)
        return list(await asyncio.gather(*attempts))
    finally:
        if own is not None:
            await own.close()


async def _attempt(
    endpoint: WebhookEndpoint, event: WebhookEvent, transport: Transport
) -> DeliveryAttempt:
    request = _request(endpoint, event)
    if isinstance(request, DeliveryAttempt):
        return request
    deadline = asyncio.get_running_loop().time() + SECONDS
    terms = RunTerms(limits=_LIMITS, redirects="deny", deadline=deadline, trace=Trace())
    try:
        response = await transport.exchange(request, terms)
    except BillhookError as error:
        return DeliveryAttempt(reason=error.public_message[:500])
    response.body.close()
    if response.status in _GOOD:
        return DeliveryAttempt(status=response.status)
    return DeliveryAttempt(
        status=response.status,
        reason=f"The receiver responded with status {response.status}.",
        asked_pause=_asked_pause(response),
    )


def _asked_pause(response: Response) -> timedelta:
    seconds = asked_pause(response.headers) or 0.0
    return timedelta(seconds=min(seconds, LONGEST_ASKED.total_seconds()))


def _request(endpoint: WebhookEndpoint, event: WebhookEvent) -> WebRequest | DeliveryAttempt:
    url: Any = parse_url(endpoint.url)
    if not isinstance(url, Url):
        return DeliveryAttempt(reason="The address can't be used. Change it.")
    now, body = datetime.now(UTC), payload_of(event)
    try:
        headers = signed_headers(event.id, body, secrets_of(endpoint, now=now), now=now)
    except SealBroken:
        return DeliveryAttempt(reason="The secret can't be read any more. Make a new one.")
    return WebRequest(
        step=_STEP,
        method="POST",
        url=url.text,
        origin=url.origin,
        target=url.target,
        headers=headers,
        body=body,
        carries_secret=False,
        authenticate=False,
    )
