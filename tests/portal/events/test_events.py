"""Events out: noted with the fact, delivered by a job, signed, retried, and sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from billhook.engine.record import RunRecord
from billhook.engine.secret import Secret
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.events import jobs, services
from billhook.portal.events.delivery import signed_headers
from billhook.portal.events.facts import note_sign_in
from billhook.portal.events.models import (
    DeliveryState,
    EventKind,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.integrations.models import Integration
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.runs.models import Run
from billhook.portal.runs.rows import write_runs
from portal.cast import Cast, signed_in
from portal.events.receiver import Receiver, allowed_receiver

ALL = list(EventKind)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with allowed_receiver(monkeypatch) as made:
        yield made


@pytest.fixture
def endpoint(cast: Cast, receiver: Receiver) -> services.NewSecret:
    return services.create_endpoint(
        organisation=cast.harper, url=receiver.url, kinds=ALL, user=cast.alice.user
    )


def record(cast: Cast, **more: Any) -> RunRecord:
    facts: dict[str, Any] = {
        "id": "r00000000000",
        "organisation_id": cast.harper.id,
        "integration_id": None,
        "command": "GetInvoiceImage",
        "kind": "view",
        "outcome": "ok",
        "attempts": (),
        "started_at": datetime(2026, 3, 31, 9, 30, tzinfo=UTC),
        "milliseconds": 12.0,
        "user_id": cast.carla.user_id,
        "invoice_id": cast.open.id,
    }
    return RunRecord(**(facts | more))


def view(cast: Cast, n: int = 1) -> None:
    write_runs([record(cast, id=f"r{number:011}") for number in range(n)])


def pass_time() -> None:
    """Let what waits be due, as if its time had come."""
    now = timezone.now()
    WebhookDelivery.objects.filter(state=DeliveryState.WAITING).update(due_at=now)
    Job.objects.filter(kind=services.JOB).update(due_at=now)


def test_a_view_is_delivered_with_a_signature_that_the_library_verifies(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret
) -> None:
    view(cast)
    run_due_jobs()
    [(headers, body)] = receiver.received
    document = Webhook(endpoint.value.reveal()).verify(body.decode(), headers)
    assert document == {
        "type": "invoice.viewed",
        "timestamp": "2026-03-31T09:30:00Z",
        "data": {
            "run_id": "r00000000000",
            "invoice_id": cast.open.id,
            "invoice_number": "INV-1",
            "source_id": "",
            "customer_id": cast.acme.id,
            "customer_number": "C-1",
            "user_id": cast.carla.user_id,
        },
    }
    assert headers["webhook-id"] == WebhookEvent.objects.get().id
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.value.reveal()).verify(body.decode() + " ", headers)


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the libraries of Standard Webhooks."""
    key = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, tz=UTC)
    body = b'{"test": 2432232314}'
    headers = dict(signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [key], now=at))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_nothing_is_written_where_nobody_listens(cast: Cast, django_assert_num_queries) -> None:
    with django_assert_num_queries(4):  # a savepoint, the runs, the look for listeners, its end
        view(cast)
    assert Run.objects.count() == 1
    assert not WebhookEvent.objects.exists()
    assert not Job.objects.filter(kind=services.JOB).exists()


def test_what_a_down_receiver_missed_comes_later_with_the_same_ids(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret
) -> None:
    receiver.status = 503
    view(cast, 3)
    run_due_jobs()
    assert len(receiver.received) == 3
    row = WebhookDelivery.objects.first()
    assert row is not None
    assert (row.state, row.attempts, row.status) == (DeliveryState.WAITING, 1, 503)
    assert row.reason == "The receiver responded with status 503."
    assert row.due_at > timezone.now()
    assert WebhookEndpoint.objects.get().failing_since is not None
    first, receiver.status = sorted(receiver.ids), 200
    pass_time()
    run_due_jobs()
    assert sorted(receiver.ids[3:]) == first
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert WebhookEndpoint.objects.get().failing_since is None


def test_events_since_a_time_and_single_ones_can_be_sent_again(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret
) -> None:
    view(cast, 2)
    run_due_jobs()
    ids = sorted(receiver.ids)
    since = datetime(2026, 3, 31, 9, tzinfo=UTC)
    assert services.replay_deliveries(endpoint=endpoint.row, since=since) == 2
    assert services.replay_deliveries(endpoint=endpoint.row, since=timezone.now()) == 0
    run_due_jobs()
    assert sorted(receiver.ids[2:]) == ids
    services.replay_delivery(delivery=WebhookDelivery.objects.latest("id"))
    run_due_jobs()
    assert len(receiver.received) == 5


def test_a_kill_in_the_middle_loses_nothing_and_keeps_the_ids(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret, monkeypatch
) -> None:
    def killed(**_: Any) -> None:
        raise KeyboardInterrupt  # after the events were sent, before that was saved

    view(cast, 25)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "save_results", killed)
        with pytest.raises(KeyboardInterrupt):
            run_due_jobs()
    assert len(receiver.received) == 20
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    pass_time()
    run_due_jobs()
    events = set(WebhookEvent.objects.values_list("id", flat=True))
    assert len(events) == 25
    assert set(receiver.ids) == events
    assert not WebhookDelivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


def test_an_event_is_lost_or_noted_with_its_run(
    cast: Cast, endpoint: services.NewSecret, monkeypatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(services, "enqueue", broken)
        with pytest.raises(RuntimeError):
            view(cast)
    assert not Run.objects.exists()
    assert not WebhookEvent.objects.exists()
    view(cast)
    view(cast)  # the recorder repeats a batch whose commit it didn't see
    assert (Run.objects.count(), WebhookEvent.objects.count()) == (1, 1)


def test_a_source_that_fails_is_one_event_an_hour(cast: Cast, endpoint) -> None:
    source = Integration.objects.create(organisation=cast.harper, name="ERP")
    times = [datetime(2026, 3, 31, 9, minute, tzinfo=UTC) for minute in (1, 20, 59)]
    times.append(datetime(2026, 3, 31, 10, 1, tzinfo=UTC))
    for number, at in enumerate(times):
        write_runs(
            [
                record(
                    cast,
                    id=f"b{number:011}",
                    integration_id=source.id,
                    outcome="source-timeout",
                    started_at=at,
                )
            ]
        )
    write_runs(
        [record(cast, id="b00000000009", integration_id=source.id, outcome="document-not-found")]
    )
    events = list(WebhookEvent.objects.order_by("happened_at"))
    assert [event.kind for event in events] == ["document.failing"] * 2
    assert events[0].data["run_id"] == "b00000000000"
    assert events[0].data["code"] == "source-timeout"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        pytest.param("bad-json", "", id="a-call-in-no-json"),
        pytest.param("token", "token-missing", id="a-missing-value"),
        pytest.param("cancelled", "server-stopped", id="a-stop"),
        pytest.param("internal-error", "", id="a-fault-of-ours"),
    ],
)
def test_what_says_nothing_about_a_source_is_no_event(
    cast: Cast, endpoint, outcome: str, reason: str
) -> None:
    source = Integration.objects.create(organisation=cast.harper, name="ERP")
    facts = {"integration_id": source.id, "outcome": outcome, "reason": reason, "kind": "api"}
    write_runs([record(cast, **facts)])
    assert not WebhookEvent.objects.exists()


def test_a_job_begins_only_for_new_events(cast: Cast, receiver: Receiver, endpoint) -> None:
    source = Integration.objects.create(organisation=cast.harper, name="ERP")
    for number in range(3):
        facts = {"integration_id": source.id, "outcome": "source-timeout"}
        write_runs([record(cast, id=f"b{number:011}", **facts)])
        run_due_jobs()
    assert Job.objects.filter(kind=services.JOB).count() == 1
    assert len(receiver.received) == 1


def test_a_pause_in_the_middle_of_a_turn_is_heeded(
    cast: Cast, receiver: Receiver, endpoint, monkeypatch
) -> None:
    attempt_all = jobs.attempt_all

    def attempt_and_pause(*arguments: Any) -> Any:
        services.pause_endpoint(endpoint=endpoint.row)
        return attempt_all(*arguments)

    monkeypatch.setattr(jobs, "attempt_all", attempt_and_pause)
    view(cast, 25)
    run_due_jobs()
    assert len(receiver.received) == 20


def test_a_sign_in_is_an_event_of_each_organisation_whose_contact_it_is(
    cast: Cast, endpoint: services.NewSecret
) -> None:
    note_sign_in(cast.carla.user)
    note_sign_in(cast.cleo.user)  # of another organisation, which has no endpoint
    event = WebhookEvent.objects.get()
    assert (event.kind, event.organisation_id) == ("contact.signed_in", cast.harper.id)
    assert event.data["customer_ids"] == [cast.acme.id]


def test_a_sign_in_names_some_of_many_customers_and_reads_no_more(
    cast: Cast, endpoint: services.NewSecret
) -> None:
    several = [Customer(organisation=cast.harper, number=f"M-{n}", name="M") for n in range(150)]
    Customer.objects.bulk_create(several)
    carla = cast.carla.user
    Contact.objects.bulk_create([Contact(customer=each, user=carla) for each in several])
    with CaptureQueriesContext(connection) as found:
        note_sign_in(carla)
    data = WebhookEvent.objects.get().data
    assert len(data["customer_ids"]) == 100
    assert set(data["customer_ids"]) < {cast.acme.id, *(each.id for each in several)}
    contacts = [each["sql"] for each in found if "customers_contact" in each["sql"]]
    assert len(contacts) == 2
    assert all("EXISTS" in sql or sql.endswith("LIMIT 100") for sql in contacts)


def test_a_sign_in_at_an_organisation_is_an_event_of_that_one_alone(
    cast: Cast, endpoint: services.NewSecret
) -> None:
    note_sign_in(cast.carla.user, organisation_id=cast.northwind.id)
    assert not WebhookEvent.objects.exists()
    note_sign_in(cast.carla.user, organisation_id=cast.harper.id)
    assert WebhookEvent.objects.get().organisation_id == cast.harper.id


def test_only_the_chosen_kinds_of_the_own_organisation_come(cast: Cast, receiver: Receiver) -> None:
    for organisation, kinds in ((cast.harper, ["sync.failing"]), (cast.northwind, ALL)):
        services.create_endpoint(
            organisation=organisation, url=receiver.url, kinds=kinds, user=None
        )
    view(cast)
    assert not WebhookEvent.objects.exists()


def test_a_paused_endpoint_gets_what_waits_when_it_goes_on(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret
) -> None:
    services.pause_endpoint(endpoint=endpoint.row)
    view(cast, 2)
    run_due_jobs()
    assert receiver.received == []
    services.resume_endpoint(endpoint=endpoint.row)
    run_due_jobs()
    assert len(receiver.received) == 2


def test_a_new_secret_signs_together_with_the_old_one_for_a_day(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret
) -> None:
    fresh = services.rotate_secret(endpoint=endpoint.row)
    assert fresh.value.reveal() != endpoint.value.reveal()
    view(cast)
    run_due_jobs()
    headers, body = receiver.received[-1]
    for secret in (fresh, endpoint):
        Webhook(secret.value.reveal()).verify(body.decode(), headers)
    WebhookEndpoint.objects.update(old_secret_until=timezone.now())
    services.replay_delivery(delivery=WebhookDelivery.objects.get())
    run_due_jobs()
    headers, body = receiver.received[-1]
    Webhook(fresh.value.reveal()).verify(body.decode(), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.value.reveal()).verify(body.decode(), headers)


def test_a_receiver_that_takes_nothing_for_days_is_given_up_with_a_warning(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret
) -> None:
    receiver.status = 500
    view(cast)
    for _ in range(len(jobs.PAUSES)):
        run_due_jobs()
        pass_time()
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=3, hours=1))
    run_due_jobs()
    assert len(receiver.received) == len(jobs.PAUSES) + 1
    assert sum(jobs.PAUSES, timedelta()) > timedelta(days=3)
    assert WebhookDelivery.objects.get().state == DeliveryState.FAILED
    assert WebhookEndpoint.objects.get().disabled_at is not None
    home = reverse("backoffice:home", args=[cast.harper.id])
    assert "A webhook is switched off" in signed_in(cast.bob).get(home).content.decode()
    view_before = len(receiver.received)
    write_runs([record(cast, id="r00000000099")])
    run_due_jobs()
    assert len(receiver.received) == view_before
    services.resume_endpoint(endpoint=WebhookEndpoint.objects.get())
    assert "switched off" not in signed_in(cast.bob).get(home).content.decode()


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        pytest.param("1800", timedelta(minutes=30), id="later"),
        pytest.param("1", jobs.PAUSES[0], id="sooner than our own pause"),
        pytest.param("999999999", timedelta(days=1), id="too late"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1), id="a far date"),
        pytest.param("soon", jobs.PAUSES[0], id="no time"),
    ],
)
def test_the_pause_that_a_receiver_asks_for_is_kept_up_to_a_day(
    cast: Cast, receiver: Receiver, endpoint: services.NewSecret, asked: str, pause: timedelta
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": asked}
    view(cast)
    run_due_jobs()
    row = WebhookDelivery.objects.get()
    assert row.sent_at is not None
    assert row.due_at - row.sent_at == pause


def test_a_receiver_that_is_gone_is_given_up_at_once(cast: Cast, receiver, endpoint) -> None:
    receiver.status = 410
    view(cast)
    run_due_jobs()
    assert WebhookEndpoint.objects.get().disabled_at is not None


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://169.254.169.254/latest", id="metadata"),
        pytest.param("https://localhost/hooks", id="localhost"),
        pytest.param("https://10.0.0.1/hooks", id="private"),
        pytest.param("https://user:pass@shop.example.com/", id="user info"),
        pytest.param("http://shop.example.com/hooks", id="without TLS"),
        pytest.param("ftp://shop.example.com/", id="scheme"),
        pytest.param("https://shop.example.com:22/", id="port"),
    ],
)
def test_an_address_is_judged_like_any_origin(cast: Cast, url: str) -> None:
    with pytest.raises(FieldProblem):
        services.create_endpoint(organisation=cast.harper, url=url, kinds=ALL, user=None)


def test_an_address_is_judged_again_when_an_event_is_sent(cast: Cast, receiver, endpoint) -> None:
    WebhookEndpoint.objects.update(url="http://127.0.0.1:1/hooks")  # allowed no longer
    view(cast)
    run_due_jobs()
    row = WebhookDelivery.objects.get()
    assert (row.status, row.attempts) == (None, 1)
    assert row.reason
    assert "127.0.0.1" not in row.reason


def test_old_events_are_forgotten(cast: Cast, receiver, endpoint) -> None:
    view(cast)
    services.forget_old_events()
    assert WebhookEvent.objects.count() == 1
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(days=31))
    services.forget_old_events()
    assert not WebhookDelivery.objects.exists()


def test_a_member_adds_a_webhook_reads_its_log_and_sends_again(
    cast: Cast, receiver: Receiver
) -> None:
    client = signed_in(cast.bob)
    pages = reverse("backoffice:webhooks", args=[cast.harper.id])
    refused = client.post(pages, {"url": "https://10.0.0.1/", "kinds": ["invoice.viewed"]})
    assert refused.status_code == 422
    assert client.post(pages, {"url": receiver.url}).status_code == 422
    made = client.post(pages, {"url": receiver.url, "kinds": ["invoice.viewed"]})
    assert b"whsec_" in made.content
    assert b"whsec_" not in client.get(pages).content
    row = WebhookEndpoint.objects.get()
    assert b"whsec_" not in bytes(row.secret)
    view(cast)
    run_due_jobs()
    at = [cast.harper.id, row.id]
    detail = client.get(reverse("backoffice:webhook", args=at)).content.decode()
    assert "Invoice viewed" in detail
    assert "Delivered" in detail
    delivery = WebhookDelivery.objects.get()
    client.post(reverse("backoffice:webhook-test", args=at))
    assert WebhookDelivery.objects.filter(event__kind="webhook.test").count() == 1
    WebhookEvent.objects.filter(kind="webhook.test").delete()
    client.post(reverse("backoffice:webhook-again", args=[*at, delivery.event_id]))
    run_due_jobs()
    client.post(reverse("backoffice:webhook-replay", args=at), {"since": "2026-03-31T09:00"})
    run_due_jobs()
    assert receiver.ids == [delivery.event_id] * 3
    wrong = client.post(reverse("backoffice:webhook-replay", args=at), {"since": "yesterday"})
    assert wrong.status_code == 422
    changed = {"url": receiver.url, "kinds": ["sync.failing"]}
    client.post(reverse("backoffice:webhook", args=at), changed)
    assert WebhookEndpoint.objects.get().kinds == ["sync.failing"]
    again = client.post(reverse("backoffice:webhook-secret", args=at))
    assert b"whsec_" in again.content
    for name, state in (("pause", "Paused"), ("resume", "On")):
        client.post(reverse(f"backoffice:webhook-{name}", args=at))
        assert state in client.get(pages).content.decode()
    assert (
        "Remove this webhook?"
        in client.get(reverse("backoffice:webhook-remove", args=at)).content.decode()
    )
    client.post(reverse("backoffice:webhook-remove", args=at))
    assert not WebhookEndpoint.objects.exists()


def test_an_event_holds_no_more_than_its_facts(cast: Cast, endpoint) -> None:
    view(cast)
    assert len(json.dumps(WebhookEvent.objects.get().data)) < 1_000
