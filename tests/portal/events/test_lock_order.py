"""A delivery turn and a member who pauses, resumes or replays never wait for each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billhook.portal.events import services
from billhook.portal.events.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from billhook.portal.jobs.models import Job
from portal.cast import Cast

CHANGES = {
    "replay": lambda row: services.replay_deliveries(
        endpoint=row, since=timezone.now() - timedelta(days=1)
    ),
    "resume": lambda row: services.resume_endpoint(endpoint=row),
    "remove": lambda row: services.remove_endpoint(endpoint=row),
}


@pytest.fixture
def endpoint(cast: Cast) -> WebhookEndpoint:
    made = services.create_endpoint(
        organisation=cast.harper,
        url="https://hooks.example.com/",
        kinds=["contact.signed-in"],
        user=None,
    )
    for number in range(3):
        event = WebhookEvent.objects.create(
            organisation=cast.harper,
            kind="contact.signed-in",
            once=f"once-{number}",
            data={},
            happened_at=timezone.now(),
            created_at=timezone.now(),
        )
        WebhookDelivery.objects.create(endpoint=made.row, event=event, due_at=timezone.now())
    services.enqueue_deliveries(made.row)
    return made.row


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_paused", [False, True], ids=["listening", "paused"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_turn_that_saves_its_results_meets_no_deadlock(
    endpoint: WebhookEndpoint, change: str, is_paused: bool
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time, so it has no deadlocks")
    if is_paused:
        services.pause_endpoint(endpoint=endpoint)
    faults: list[Exception] = []
    deliveries = list(endpoint.deliveries.all())
    with transaction.atomic():
        Job.objects.select_for_update().get(subject=endpoint.id)  # as turn.saving() does
        other = Thread(target=_change, args=(CHANGES[change], endpoint, faults))
        other.start()
        _wait_until_blocked(other)
        services.save_results(endpoint=endpoint, deliveries=deliveries)
    other.join(30)
    assert not other.is_alive()
    assert faults == []


def _change(
    change: Callable[[WebhookEndpoint], object],
    endpoint: WebhookEndpoint,
    faults: list[Exception],
) -> None:
    try:
        change(WebhookEndpoint.objects.get(id=endpoint.id))
    except Exception as error:  # noqa: BLE001 - the test shows it
        faults.append(error)
    finally:
        connection.close()


def _wait_until_blocked(other: Thread) -> None:
    """Return once the other thread waits for a lock, or has ended without one."""
    until = time.monotonic() + 10
    while other.is_alive() and time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
