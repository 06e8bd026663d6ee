"""Changes to endpoints, and what becomes of deliveries. Callers have checked permission."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from billhook.engine.egress.guard import judge_url
from billhook.engine.egress.url import Url, parse_url
from billhook.engine.secret import Secret
from billhook.engine.verdict import Verdict
from billhook.portal.accounts.models import User
from billhook.portal.events.access import listeners, waiting_test
from billhook.portal.events.models import (
    TEST,
    DeliveryState,
    EventKind,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from billhook.portal.events.secret import new_secret, seal_secret
from billhook.portal.fields.ids import new_id
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.jobs.services import enqueue, hold_job
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.organisations.models import Organisation

JOB: Final = "webhooks"
OVERLAP: Final = timedelta(hours=24)
"""Time for which the old secret signs, too, after a new one was made."""
KEPT: Final = timedelta(days=30)
MOST_ENDPOINTS: Final = 20
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedEvent:
    """An event that is about to be noted. *once* is a text that only this fact has."""

    organisation_id: str
    kind: EventKind
    once: str
    data: dict[str, Any]
    happened_at: datetime


def note_events(events: Iterable[NotedEvent]) -> None:
    """Note *events* for the endpoints that listen, in the present transaction.

    Where nobody listens, nothing is written.
    """
    noted = list(events)
    if not noted:
        return
    endpoints = listeners({each.organisation_id for each in noted}, {each.kind for each in noted})
    if endpoints:
        with transaction.atomic():
            _write(noted, endpoints)


def _write(noted: Sequence[NotedEvent], endpoints: Sequence[WebhookEndpoint]) -> None:
    now = timezone.now()
    wanted = {(row.organisation_id, kind) for row in endpoints for kind in row.kinds}
    rows = [
        WebhookEvent(
            organisation_id=each.organisation_id,
            kind=each.kind,
            once=each.once,
            data=each.data,
            happened_at=each.happened_at,
            created_at=now,
        )
        for each in noted
        if (each.organisation_id, each.kind) in wanted
    ]
    WebhookEvent.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)
    kept = WebhookEvent.objects.filter(id__in=[row.id for row in rows])
    deliveries = [
        WebhookDelivery(endpoint=endpoint, event=event, due_at=now)
        for event in kept
        for endpoint in endpoints
        if endpoint.organisation_id == event.organisation_id and event.kind in endpoint.kinds
    ]
    WebhookDelivery.objects.bulk_create(deliveries, batch_size=_AT_ONCE)
    reached = {delivery.endpoint_id for delivery in deliveries}
    for endpoint in endpoints:
        if endpoint.id in reached:
            enqueue_deliveries(endpoint)


def enqueue_deliveries(endpoint: WebhookEndpoint) -> None:
    """Have what is due for *endpoint* delivered soon, if it listens."""
    if endpoint.is_listening:
        enqueue(
            JOB,
            organisation=endpoint.organisation,
            subject=endpoint.id,
            title=f"Events for {_host(endpoint.url)}",
        )


def _host(url: str) -> str:
    parsed = parse_url(url)
    return parsed.host if isinstance(parsed, Url) else "an endpoint"


def check_address(organisation_id: str, url: str) -> None:
    """Raise FieldProblem unless events of the organisation may be sent to *url*."""
    parsed, policy = parse_url(url), egress_policy(organisation_id)
    if not isinstance(parsed, Url) or judge_url(url, policy) is not Verdict.ALLOWED:
        raise FieldProblem(
            "url",
            "Events can't be sent to this address: write one like https://example.com/webhooks, "
            "without a name or password in it. Private systems must be allowed by the operator.",
        )
    if parsed.scheme != "https" and policy.allowance(parsed.host, parsed.port) is None:
        raise FieldProblem("url", "The address must begin with https://.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """An endpoint, and its new secret, which is shown once."""

    row: WebhookEndpoint
    value: Secret


def create_endpoint(
    *, organisation: Organisation, url: str, kinds: Iterable[str], user: User | None
) -> NewSecret:
    """Create an endpoint.

    Raises:
        FieldProblem: if events may not be sent there, or there are too many.
    """
    check_address(organisation.id, url)
    if WebhookEndpoint.objects.filter(organisation=organisation).count() >= MOST_ENDPOINTS:
        raise FieldProblem("url", f"There are {MOST_ENDPOINTS} endpoints already. Remove one.")
    kinds = sorted(set(kinds))
    row = WebhookEndpoint(organisation=organisation, url=url, kinds=kinds, created_by=user)
    value = new_secret()
    row.secret = _sealed(row, value)
    row.save(force_insert=True)
    return NewSecret(row=row, value=value)


def change_endpoint(*, endpoint: WebhookEndpoint, url: str, kinds: Iterable[str]) -> None:
    """Send other kinds of events to *endpoint*, or to another address.

    Raises:
        FieldProblem: if events may not be sent there.
    """
    check_address(endpoint.organisation_id, url)
    endpoint.url, endpoint.kinds = url, sorted(set(kinds))
    endpoint.save(update_fields=["url", "kinds"])


def send_test_event(*, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Deliver a test event, whatever *endpoint* listens to; the same one while it waits."""
    now = timezone.now()
    with transaction.atomic():
        enqueue_deliveries(endpoint)
        _lock(endpoint)
        waiting = waiting_test(endpoint)
        if waiting is not None:
            return waiting
        event = WebhookEvent.objects.create(
            organisation_id=endpoint.organisation_id,
            kind=TEST,
            once=f"test:{new_id()}",
            data={"webhook_id": endpoint.id},
            happened_at=now,
            created_at=now,
        )
        return WebhookDelivery.objects.create(endpoint=endpoint, event=event, due_at=now)


def rotate_secret(*, endpoint: WebhookEndpoint) -> NewSecret:
    """Give *endpoint* a new secret. For a day, the old one signs, too."""
    value = new_secret()
    endpoint.old_secret = bytes(endpoint.secret)
    endpoint.old_secret_until = timezone.now() + OVERLAP
    endpoint.secret = _sealed(endpoint, value)
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return NewSecret(row=endpoint, value=value)


def _sealed(row: WebhookEndpoint, value: Secret) -> bytes:
    return seal_secret(value, organisation_id=row.organisation_id, endpoint_id=row.id)


def pause_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Deliver nothing for now. Events wait."""
    endpoint.is_paused = True
    endpoint.save(update_fields=["is_paused"])


def resume_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Deliver again, also to an endpoint that was given up: first what waits for it."""
    endpoint.is_paused, endpoint.disabled_at, endpoint.failing_since = False, None, None
    with transaction.atomic():
        enqueue_deliveries(endpoint)  # locks the job first, as a turn does
        endpoint.save(update_fields=["is_paused", "disabled_at", "failing_since"])
        waiting = endpoint.deliveries.filter(state=DeliveryState.WAITING)
        waiting.update(due_at=timezone.now())


def remove_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Remove *endpoint* and its log."""
    with transaction.atomic():
        _lock(endpoint)
        endpoint.delete()


def replay_deliveries(*, endpoint: WebhookEndpoint, since: datetime) -> int:
    """Deliver the events since then again, with the same ids; return their number."""
    again = endpoint.deliveries.filter(event__happened_at__gte=since)
    return _replay(endpoint, list(again.values_list("id", flat=True)))


def replay_delivery(*, delivery: WebhookDelivery) -> None:
    """Deliver one event again, with the same id."""
    _replay(delivery.endpoint, [delivery.pk])


def _replay(endpoint: WebhookEndpoint, ids: Sequence[int]) -> int:
    if not ids:
        return 0
    with transaction.atomic():
        enqueue_deliveries(endpoint)
        _lock(endpoint)
        for start in range(0, len(ids), _AT_ONCE):
            rows = WebhookDelivery.objects.filter(id__in=ids[start : start + _AT_ONCE])
            rows.update(state=DeliveryState.WAITING, attempts=0, due_at=timezone.now(), reason="")
    return len(ids)


def hold_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Keep others from changing *endpoint* until the present transaction ends."""
    hold_job(JOB, subject=endpoint.id)
    _lock(endpoint)


def _lock(endpoint: WebhookEndpoint) -> None:
    """Lock the row of *endpoint* in the present transaction.

    Every transaction locks a job, its endpoint and the deliveries in this order. The lock lets
    others write new deliveries.
    """
    rows = WebhookEndpoint.objects.filter(id=endpoint.id)
    rows.select_for_update(no_key=True).first()


def save_results(*, endpoint: WebhookEndpoint, deliveries: Sequence[WebhookDelivery]) -> None:
    """Save what became of *deliveries*, and how the endpoint gets on."""
    fields = ["state", "attempts", "due_at", "status", "reason", "sent_at"]
    _lock(endpoint)
    WebhookDelivery.objects.bulk_update(deliveries, fields)
    WebhookEndpoint.objects.filter(id=endpoint.id).update(
        failing_since=endpoint.failing_since, disabled_at=endpoint.disabled_at
    )


def forget_old_events(pace: Pace = AT_ONCE) -> None:
    """Delete the events of long ago, and their deliveries."""
    pace.delete(WebhookEvent.objects.filter(created_at__lt=timezone.now() - KEPT))
