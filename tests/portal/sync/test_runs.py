"""Runs that are cut off, refused, throttled and nudged go on where they were, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

import pytest
from django.core.mail import EmailMessage
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billhook.portal.events.models import WebhookEndpoint, WebhookEvent
from billhook.portal.events.services import create_endpoint, pause_endpoint
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.access import latest_job
from billhook.portal.jobs.models import Job, JobSchedule, JobState
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.mail.models import OutgoingMail
from billhook.portal.sync import work as sync_work
from billhook.portal.sync.models import SeenRow, SyncRun, SyncSource, SyncState, WaitingRow
from billhook.portal.sync.pages import PageWriter
from billhook.portal.sync.services import new_nudge_secret, start_sync, sync_of, try_sync
from portal.cast import Cast, signed_in
from portal.sync.billing import Billing
from portal.sync.syncing import ours, reasons, synced, work


class Killed(BaseException):
    """The process ends in the middle."""


def due_again() -> None:
    """Let the lease of a process that ended be over."""
    past = timezone.now() - timedelta(hours=1)
    Job.objects.filter(state=JobState.RUNNING).update(leased_until=past, due_at=past)


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_a_run_that_is_killed_between_two_pages_goes_on_with_the_page(
    billing: Billing, source: SyncSource, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    billing.size = 2
    for _ in range(9):
        billing.add()
    written = PageWriter.write_invoices
    calls = 0
    calls = 0

    def die(*args: object, **more: object) -> None:
        nonlocal calls
        calls += 1
        if calls == batch:
            raise Killed
        written(*args, **more)

    monkeypatch.setattr(PageWriter, "write_invoices", die)
    start_sync(source=source)
    with pytest.raises(Killed):
        run_due_jobs()
    assert len(ours(source)) == 2 * (batch - 1)
    billing.requests.clear()
    due_again()
    work(source)
    assert len(ours(source)) == 9
    assert len({row.source_id for row in ours(source)}) == 9
    [run] = source.runs.all()
    assert run.state == SyncState.DONE
    asked = [each for each in billing.requests if "/invoices" in each]
    assert len(asked) < 6 or batch == 1  # not from the beginning
    assert not SeenRow.objects.exists()


def test_a_failed_run_keeps_the_list_and_members_get_one_mail_after_three(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    id_ = billing.add()
    synced(source)
    billing.pay(id_)
    for failures in range(1, 5):
        billing.failures = [(400, {})] * 20
        run = synced(source)
        assert (run.state, source.failures) == (SyncState.FAILED, failures)
        assert ours(source)[0].status == "open"
    sent = OutgoingMail.objects.all()
    assert {mail.to for mail in sent} == {"alice@harper.example", "bob@harper.example"}
    assert sent.count() == 2
    assert "127.0.0.1" not in source.reason
    home = reverse("backoffice:home", args=[cast.harper.id])
    assert 'data-code="sync-fails"' in signed_in(cast.bob).get(home).content.decode()
    billing.failures = []
    assert synced(source).state == SyncState.DONE
    assert (source.failures, ours(source)[0].status) == (0, "paid")


def test_a_sync_that_works_again_is_one_mail_to_those_who_heard_of_the_failure(
    billing: Billing,
    source: SyncSource,
    mailoutbox: list[EmailMessage],
    sent_mail: Callable[[], None],
) -> None:
    def fail(times: int, status: int = 400) -> None:
        for _ in range(times):
            billing.failures = [(status, {})] * 20
            synced(source)
        billing.failures = []

    def subjects_to_bob() -> list[str]:
        sent_mail()
        return [mail.subject for mail in mailoutbox if mail.to == ["bob@harper.example"]]

    def half_an_hour_goes_by() -> None:
        SyncSource.objects.update(failed_at=F("failed_at") - timedelta(minutes=31))

    billing.add()
    fail(2)
    synced(source)
    half_an_hour_goes_by()
    synced(source)
    assert subjects_to_bob() == []  # nobody heard of two failures
    fail(3)
    synced(source)
    fail(3)  # within half an hour: the same trouble
    synced(source)
    assert subjects_to_bob() == ["Billing can't be synced"]
    half_an_hour_goes_by()
    synced(source)
    synced(source)
    assert subjects_to_bob()[1:] == ["Billing is synced again"]
    fail(1)
    fail(1, status=401)
    assert subjects_to_bob()[2:] == ["Billing can't be synced"]  # at once: it stops by that
    half_an_hour_goes_by()
    SyncSource.objects.update(stopped_at="")  # somebody has acted
    synced(source)
    assert subjects_to_bob()[2:] == ["Billing can't be synced", "Billing is synced again"]


def test_refused_credentials_stop_the_schedule_until_somebody_acts(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    create_endpoint(
        organisation=cast.harper, url="https://shop.example.com/", kinds=["sync.failing"], user=None
    )
    billing.add()
    synced(source)
    billing.failures = [(401, {})] * 20
    synced(source)
    assert source.is_stopped
    event = WebhookEvent.objects.get()
    assert event.data == {"integration_id": source.integration_id, "code": "source-refused"}
    pause_endpoint(endpoint=WebhookEndpoint.objects.get())  # nothing is sent from this test
    billing.requests.clear()
    billing.failures = []
    synced(source)  # the schedule's, with nobody behind it
    assert billing.requests == []
    address = reverse("backoffice:sync-now", args=[cast.harper.id, source.integration_id])
    signed_in(cast.bob).post(address)
    work(source)
    assert not source.is_stopped
    assert billing.requests


def test_a_throttled_run_waits_and_goes_on_without_failing(
    billing: Billing, source: SyncSource
) -> None:
    billing.add()
    billing.failures = [(429, {"Retry-After": "600"})]
    start_sync(source=source)
    run_due_jobs()
    [run] = source.runs.all()
    assert run.state == SyncState.RUNNING
    assert run.resume_at > timezone.now() + timedelta(minutes=5)
    billing.requests.clear()
    Job.objects.update(due_at=timezone.now())  # a nudge, say
    run_due_jobs()
    assert billing.requests == []
    SyncRun.objects.update(resume_at=timezone.now())
    Job.objects.update(due_at=timezone.now())
    work(source)
    assert len(ours(source)) == 1
    assert source.failures == 0


def test_the_page_shows_when_a_source_that_asked_for_a_pause_is_asked_again(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.add()
    billing.failures = [(429, {"Retry-After": "600"})]
    start_sync(source=source)
    run_due_jobs()
    address = reverse("backoffice:sync", args=[cast.harper.id, source.integration_id])
    browser = signed_in(cast.bob)
    page = browser.get(address).content.decode()
    resume_at = source.runs.get().resume_at
    assert resume_at is not None
    assert "Waits for the source" in page
    assert f"{resume_at.astimezone(UTC):%H:%M:%S}" in page
    assert "data-live" in page
    now = reverse("backoffice:sync-now", args=[cast.harper.id, source.integration_id])
    said = browser.post(now, follow=True).content.decode()
    assert "The source asked for a pause. The sync goes on at <time" in said
    SyncRun.objects.update(resume_at=timezone.now())
    Job.objects.update(due_at=timezone.now())
    work(source)
    page = browser.get(address).content.decode()
    assert "Up to date" in page
    assert "data-live" not in page
    schedule = JobSchedule.objects.get(subject=source.integration_id)
    assert f'next <time datetime="{schedule.next_at:%Y-%m-%dT%H:%M:%S}' in page


@pytest.mark.parametrize(
    ("begin", "kind"), [(start_sync, "sync"), (try_sync, "sync-dry")], ids=["sync", "dry-run"]
)
def test_nobody_can_make_a_job_ask_a_source_that_wants_a_pause(
    cast: Cast, billing: Billing, source: SyncSource, begin: Callable[..., Job], kind: str
) -> None:
    billing.failures = [(429, {"Retry-After": "600"})]
    job = begin(source=source, user=cast.bob.user)
    run_due_jobs()
    billing.requests.clear()
    browser = signed_in(cast.bob)

    def press(button: str) -> str:
        address = reverse(f"backoffice:job-{button}", args=[cast.harper.id, job.id])
        page = browser.post(address, follow=True).content.decode()
        run_due_jobs()
        return page

    later = "The source asks for a pause. It goes on at <time"
    page = press("run")
    assert later in page
    assert 'data-kind="good" role="status"' not in page  # nothing was done
    press("stop")
    assert later in press("retry")
    assert billing.requests == []
    SyncRun.objects.update(resume_at=timezone.now())
    assert "It goes on now." in press("run")
    assert billing.requests
    assert Job.objects.get(kind=kind).state == JobState.DONE


def test_the_progress_counts_what_each_list_still_has(billing: Billing, source: SyncSource) -> None:
    for number in range(2, 5):
        billing.customer(str(number), "Another Ltd")
    for _ in range(5):
        billing.add()
    billing.size = 2
    synced(source)
    assert Job.objects.values_list("done", "total").get() == (9, 9)


def test_a_nudge_starts_a_run_at_once_and_the_next_one_a_minute_later(
    billing: Billing, source: SyncSource
) -> None:
    synced(source)
    secret = new_nudge_secret(source=source)
    address = reverse("nudge", args=[source.integration_id, secret])
    billing.add()
    assert Client(enforce_csrf_checks=True).post(address).status_code == 204
    work(source)
    assert len(ours(source)) == 1
    billing.add()
    assert Client().post(address, data="<x>", content_type="text/xml").status_code == 204
    assert Client().post(address).status_code == 204
    job = latest_job("sync", source.integration_id)
    assert job is not None
    assert job.state == JobState.WAITING
    assert timedelta(seconds=40) < job.due_at - timezone.now() < timedelta(seconds=61)
    echoed = Client().post(f"{address}?validationToken=abc.DEF-1")
    assert echoed.content == b"abc.DEF-1"
    assert echoed["Content-Type"].startswith("text/plain")
    for wrong in (f"{address}x", address.replace(source.integration_id, "0" * 12)):
        assert Client().post(wrong).status_code == 404
    assert Client().get(address).status_code == 405


def test_a_dry_run_writes_nothing_and_counts_everything(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.contact("p1", "1", "dana@acme.example")
    paid = billing.add()
    billing.add(customer="404")
    billing.add(number="x" * 200)
    gone = billing.add()
    before = Invoice.objects.count()
    address = reverse("backoffice:sync-dry-run", args=[cast.harper.id, source.integration_id])
    browser = signed_in(cast.bob)
    browser.post(address)
    run_due_jobs()
    assert reasons() == []
    assert (Invoice.objects.count(), WaitingRow.objects.count()) == (before, 0)
    run = source.runs.get(is_dry=True)
    effects = run.counts["ListInvoices"]["effects"]
    assert (effects["new"], effects["unassigned"], effects["refused"]) == (2, 1, 1)
    assert run.counts["ListContacts"]["effects"]["contacts new"] == 1
    page = browser.get(address).content.decode()
    assert f"INV-{paid}" in page
    synced(source)
    billing.pay(paid)
    del billing.invoices[gone]
    browser.post(address)
    run_due_jobs()
    run = source.runs.filter(is_dry=True)[0]
    assert run.counts["ListInvoices"]["fields"] == {"open amount": 1, "status": 1}
    assert run.report["absent"]["ListInvoices"] == [1, 2]
    assert [row.status for row in ours(source)] == ["open", "open"]
    assert not SeenRow.objects.exists()


def test_hostile_rows_are_refused_or_made_harmless(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.customer("2", "<script>alert(1)</script>\u202e\nx" * 5)
    turned = billing.add(number="INV\u202e1")
    bad = [
        billing.add(number="I" * 101),
        billing.add(id="i" * 201),
        billing.add(currency="€€€"),
        billing.add(total="1e999999"),
        billing.add(total="12345678901234567890.00"),
        billing.add(total="0.00001"),
    ]
    good = billing.add(customer="2", po="a\nb\x00c" * 99, link="javascript:alert(1)")
    run = synced(source)
    assert run.state == SyncState.DONE
    cleaned, row = ours(source)
    assert (cleaned.source_id, cleaned.number) == (turned, "INV 1")
    assert row.source_id == good
    assert row.link == ""
    assert "\n" not in row.po_number
    assert "\u202e" not in row.customer.name
    assert len(row.customer.name) <= 200
    assert sum(number for number, _ in run.reasons.values()) >= len(bad)
    page = signed_in(cast.alice).get(
        reverse("backoffice:sync", args=[cast.harper.id, source.integration_id])
    )
    assert "<script>alert(1)" not in page.content.decode()


def test_rows_of_one_organisation_never_touch_those_of_another(
    cast: Cast, billing: Billing, connect: Callable[..., Integration]
) -> None:
    ours_, theirs = connect(), connect(name="Theirs", organisation="northwind")
    billing.add(number="INV-1")
    before = Invoice.objects.get(id=cast.of_cedar.id).changed_at
    for row in (ours_, theirs):
        synced(sync_of(row), takes_over=row is ours_)
    first, second = (Invoice.objects.get(integration=row.id) for row in (ours_, theirs))
    assert (first.organisation, second.organisation) == (cast.harper, cast.northwind)
    assert first.customer.organisation == cast.harper
    assert Invoice.objects.get(id=cast.of_cedar.id).changed_at == before
    billing.invoices.clear()
    billing.add()
    synced(sync_of(ours_), full=True)
    second.refresh_from_db()
    assert second.hidden_at is None


def test_a_turn_that_lost_its_job_writes_nothing(
    billing: Billing, source: SyncSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing.add()
    note_page = sync_work.ActiveRun.note_page

    def taken_over(active: sync_work.ActiveRun, *args: object) -> None:
        Job.objects.filter(id=active.turn.job_id).update(token=99)
        note_page(active, *args)

    monkeypatch.setattr(sync_work.ActiveRun, "note_page", taken_over)
    start_sync(source=source)
    run_due_jobs()
    run = source.runs.get()
    assert (run.rows, bytes(run.position)) == (0, b"")


def test_contacts_see_as_of_when_their_list_is(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    assert "As of" not in signed_in(cast.carla).get("/").content.decode()
    synced(source)
    assert "As of" in signed_in(cast.carla).get("/").content.decode()
    assert "As of" not in signed_in(cast.cleo).get("/").content.decode()
