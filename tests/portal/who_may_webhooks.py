"""Permissions for webhooks."""

from __future__ import annotations

from django.utils import timezone

from billhook.portal.events.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from portal.who_may import EDITORS, Row, Target


def _organisation(target: Target) -> dict[str, object]:
    return {"organisation_id": target.organisation.id}


def _endpoint(target: Target) -> dict[str, object]:
    row = WebhookEndpoint.objects.create(
        organisation=target.organisation, url="https://shop.example/hooks", secret=b""
    )
    return {**_organisation(target), "endpoint_id": row.id}


def _delivery(target: Target) -> dict[str, object]:
    arguments = _endpoint(target)
    now = timezone.now()
    event = WebhookEvent.objects.create(
        organisation=target.organisation,
        kind="invoice.viewed",
        once=str(arguments["endpoint_id"]),
        data={},
        happened_at=now,
        created_at=now,
    )
    WebhookDelivery.objects.create(endpoint_id=arguments["endpoint_id"], event=event, due_at=now)
    return {**arguments, "event_id": event.id}


ROWS = {
    "backoffice:webhooks": Row(get=EDITORS, post=EDITORS, given=_organisation),
    "backoffice:webhook": Row(get=EDITORS, post=EDITORS, given=_endpoint),
    "backoffice:webhook-secret": Row(post=EDITORS, given=_endpoint),
    "backoffice:webhook-pause": Row(post=EDITORS, given=_endpoint),
    "backoffice:webhook-resume": Row(post=EDITORS, given=_endpoint),
    "backoffice:webhook-test": Row(post=EDITORS, given=_endpoint),
    "backoffice:webhook-replay": Row(post=EDITORS, given=_endpoint),
    "backoffice:webhook-again": Row(post=EDITORS, given=_delivery),
    "backoffice:webhook-remove": Row(get=EDITORS, post=EDITORS, given=_endpoint),
}
