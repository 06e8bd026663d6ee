"""Webhooks by the API: the rules of the pages, the secret shown once, a log, and replay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from billhook.portal.api.models import IdempotentCall
from billhook.portal.events import services
from billhook.portal.events.models import WebhookDelivery, WebhookEndpoint
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.run import run_due_jobs
from portal.api.program import Program, places_of, problem_of
from portal.cast import Cast
from portal.events.receiver import Receiver, allowed_receiver

NEW = {"url": "https://example.com/webhooks", "events": ["contact.signed_in", "invoice.viewed"]}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with allowed_receiver(monkeypatch) as made:
        yield made


@pytest.fixture
def made(program: Program, receiver: Receiver) -> dict[str, Any]:
    """A webhook that leads to *receiver*."""
    return program.post("/webhooks", {**NEW, "url": receiver.url}).json()


def test_the_secret_of_a_webhook_is_shown_when_it_is_made_and_never_again(
    program: Program, cast: Cast
) -> None:
    made = program.post("/webhooks", NEW)
    assert made.status_code == 201, made.content
    assert made.json()["secret"].startswith("whsec_")
    path = made.headers["Location"].removeprefix("/api/v1")
    shown = program.get(path)
    assert shown.json() == {key: made.json()[key] for key in made.json() if key != "secret"}
    assert [each["id"] for each in program.get("/webhooks").json()["items"]] == [made.json()["id"]]
    for response in (shown, program.get("/webhooks"), program.call("PATCH", path, {})):
        assert made.json()["secret"].encode() not in response.content
    replaced = program.post(f"{path}/secret").json()
    assert replaced["secret"] not in {made.json()["secret"], ""}
    assert WebhookEndpoint.objects.get().old_secret_until > timezone.now()


def test_a_repeated_call_makes_one_webhook_and_gets_its_secret_again(
    program: Program, cast: Cast
) -> None:
    first = program.post("/webhooks", NEW, idempotency_key="one")
    again = program.post("/webhooks", NEW, idempotency_key="one")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert WebhookEndpoint.objects.count() == 1
    secret = first.json()["secret"].encode()
    assert secret not in bytes(IdempotentCall.objects.get().response)


@pytest.mark.parametrize(
    ("new", "place"),
    [
        pytest.param({**NEW, "url": "https://127.0.0.1/hooks"}, "url", id="private"),
        pytest.param({**NEW, "url": "https://me:word@example.com/"}, "url", id="user info"),
        pytest.param({**NEW, "url": "http://example.com/hooks"}, "url", id="not https"),
        pytest.param({**NEW, "url": ""}, "url", id="no address"),
        pytest.param({**NEW, "events": []}, "events", id="no event"),
        pytest.param({**NEW, "events": ["invoice.burnt"]}, "events.0", id="unknown event"),
        pytest.param({**NEW, "events": ["webhook.test"]}, "events.0", id="test events"),
        pytest.param({**NEW, "events": [1]}, "events.0", id="no text"),
    ],
)
def test_addresses_and_events_are_judged_as_on_the_page(
    program: Program, cast: Cast, new: dict[str, Any], place: str
) -> None:
    response = program.post("/webhooks", new)
    assert (problem_of(response), places_of(response)) == ((422, "invalid"), [place])
    good = program.post("/webhooks", NEW).json()
    changed = program.call("PATCH", f"/webhooks/{good['id']}", new)
    assert (problem_of(changed), places_of(changed)) == ((422, "invalid"), [place])
    assert program.get(f"/webhooks/{good['id']}").json()["url"] == NEW["url"]


def test_there_is_a_limit_of_webhooks(program: Program, cast: Cast, monkeypatch) -> None:
    monkeypatch.setattr(services, "MOST_ENDPOINTS", 1)
    assert program.post("/webhooks", NEW).status_code == 201
    assert problem_of(program.post("/webhooks", NEW)) == (422, "invalid")


def test_a_webhook_is_changed_paused_resumed_and_removed(program: Program, cast: Cast) -> None:
    made = program.post("/webhooks", NEW).json()
    path = f"/webhooks/{made['id']}"
    etag = program.get(path).headers["ETag"]
    events = ["sync.failing", "sync.failing"]
    changed = program.call("PATCH", path, {"events": events, "paused": True}, if_match=etag)
    assert (changed.json()["events"], changed.json()["paused"]) == (["sync.failing"], True)
    late = program.call("PATCH", path, {"paused": False}, if_match=etag)
    assert problem_of(late) == (412, "changed-meanwhile")
    assert problem_of(program.call("DELETE", path, if_match=etag))[0] == 412
    WebhookEndpoint.objects.update(disabled_at=timezone.now(), failing_since=timezone.now())
    resumed = program.call("PATCH", path, {"paused": False}).json()
    assert (resumed["paused"], resumed["disabled_at"], resumed["failing_since"]) == (
        False,
        None,
        None,
    )
    assert program.call("DELETE", path).status_code == 204
    assert problem_of(program.get(path)) == (404, "not-found")


def test_a_test_event_is_delivered_once_signed_and_in_the_log(
    program: Program, cast: Cast, receiver: Receiver, made: dict[str, Any]
) -> None:
    path = f"/webhooks/{made['id']}"
    sent = program.post(f"{path}/test")
    assert (sent.status_code, sent.json()["type"]) == (202, "webhook.test")
    assert program.post(f"{path}/test").json() == sent.json()  # it still waits
    run_due_jobs()
    [(headers, body)] = receiver.received
    event = Webhook(made["secret"]).verify(body.decode(), headers)
    assert (event["type"], event["data"]) == ("webhook.test", {"webhook_id": made["id"]})
    [logged] = program.get(f"{path}/deliveries?state=delivered").json()["items"]
    assert (logged["event_id"], logged["status"]) == (headers["webhook-id"], 204)
    assert logged["due_at"] is None
    assert program.get(f"{path}/deliveries?state=failed").json()["items"] == []
    assert program.post(f"{path}/test").json()["event_id"] != logged["event_id"]


def test_a_paused_webhook_gets_no_test_event(
    program: Program, cast: Cast, made: dict[str, Any]
) -> None:
    path = f"/webhooks/{made['id']}"
    program.call("PATCH", path, {"paused": True})
    assert problem_of(program.post(f"{path}/test")) == (409, "not-possible")
    assert not WebhookDelivery.objects.exists()


def test_events_are_sent_again_one_or_all_since_a_time(
    program: Program, cast: Cast, receiver: Receiver, made: dict[str, Any]
) -> None:
    path = f"/webhooks/{made['id']}"
    first = program.post(f"{path}/test").json()["event_id"]
    run_due_jobs()
    second = program.post(f"{path}/test").json()["event_id"]
    run_due_jobs()
    one = program.post(f"{path}/deliveries/{first}/replay")
    assert (one.status_code, one.json()["state"]) == (202, "waiting")
    run_due_jobs()
    since = {"since": "2026-03-31T09:30:00+02:00"}
    assert program.post(f"{path}/replay", since).json() == {"count": 2}
    run_due_jobs()
    assert receiver.ids[:3] == [first, second, first]
    assert set(receiver.ids[3:]) == {first, second}
    assert problem_of(program.post(f"{path}/replay", {})) == (422, "invalid")
    assert problem_of(program.post(f"{path}/deliveries/none/replay")) == (404, "not-found")


def test_a_webhook_of_another_organisation_is_not_there(
    program: Program, strange_program: Program, made: dict[str, Any]
) -> None:
    path = f"/webhooks/{made['id']}"
    event = program.post(f"{path}/test").json()["event_id"]
    assert strange_program.get("/webhooks").json()["items"] == []
    calls = [("GET", path), ("PATCH", path), ("DELETE", path), ("GET", f"{path}/deliveries")]
    more = ("secret", "test", "replay", f"deliveries/{event}/replay")
    calls += [("POST", f"{path}/{name}") for name in more]
    for method, address in calls:
        body = {"since": "2026-03-31T09:30:00Z"} if address.endswith("/replay") else {}
        assert problem_of(strange_program.call(method, address, body)) == (404, "not-found")
    assert Job.objects.filter(kind=services.JOB).count() == 1
    assert program.get(path).status_code == 200
