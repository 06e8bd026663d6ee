"""The job of an endpoint: delivers what is due, and again after failures, for three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone

from billhook.portal.events.access import due_deliveries, endpoint_to_work_on, next_delivery
from billhook.portal.events.delivery import GONE, DeliveryAttempt, attempt_all
from billhook.portal.events.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from billhook.portal.events.services import JOB, save_results
from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.turn import Turn

PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""The pauses after failed attempts, as Standard Webhooks recommends: together over three days."""
GIVEN_UP_AFTER: Final = timedelta(days=3)
"""Time of nothing but failures after which an endpoint is given up."""
_TOGETHER: Final = 20


def deliver(turn: Turn) -> None:
    """Do a turn of the work for an endpoint."""
    while turn.goes_on and (endpoint := endpoint_to_work_on(turn.subject)):
        deliveries = due_deliveries(endpoint, most=_TOGETHER)
        if not deliveries:
            break
        note_attempts(endpoint, deliveries, attempt_all(endpoint, deliveries))
        with turn.saving():
            save_results(endpoint=endpoint, deliveries=deliveries)
    endpoint = endpoint_to_work_on(turn.subject)
    following = next_delivery(endpoint) if endpoint is not None else None
    if following is not None:
        turn.again(after=max(following.due_at - timezone.now(), timedelta()))


def note_attempts(
    endpoint: WebhookEndpoint,
    deliveries: Sequence[WebhookDelivery],
    attempts: Sequence[DeliveryAttempt],
) -> None:
    """Write the outcomes of *attempts* into the rows; nothing is saved."""
    now = timezone.now()
    for delivery, attempt in zip(deliveries, attempts, strict=True):
        delivery.attempts += 1
        delivery.status, delivery.reason, delivery.sent_at = attempt.status, attempt.reason, now
        if attempt.worked:
            delivery.state, endpoint.failing_since = DeliveryState.DELIVERED, None
        else:
            _note_failure(endpoint, delivery, attempt, now)


def _note_failure(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, attempt: DeliveryAttempt, now: datetime
) -> None:
    endpoint.failing_since = endpoint.failing_since or now
    is_last = delivery.attempts > len(PAUSES)
    if is_last:
        delivery.state = DeliveryState.FAILED
    else:
        delivery.due_at = now + max(PAUSES[delivery.attempts - 1], attempt.asked_pause)
    if attempt.status == GONE or (is_last and now - endpoint.failing_since >= GIVEN_UP_AFTER):
        endpoint.disabled_at = now


def _page(job: Job) -> str:
    return reverse("backoffice:webhook", args=[job.organisation_id, job.subject])


KINDS: Final = (JobKind(name=JOB, label="Events", work=deliver, page=_page),)
