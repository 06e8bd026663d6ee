"""A contact chooses invoices, a job fetches their documents, and the contact gets them as a zip."""

from __future__ import annotations

import io
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.utils import timezone

from billhook.engine.body import Body
from billhook.engine.errors import BillhookError, SourceTimeout
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response
from billhook.portal.clientportal import views_downloads
from billhook.portal.customers.services import invite_contact, remove_contact
from billhook.portal.documents.response import opened
from billhook.portal.downloads import making, packing, services
from billhook.portal.downloads.access import downloads_for_contact, next_entries
from billhook.portal.downloads.models import EntryState, ZipDownload, ZipEntry, ZipState
from billhook.portal.downloads.packing import Packing, unique_names
from billhook.portal.downloads.services import begin_downloads, forget_old_downloads, try_again
from billhook.portal.downloads.stored import stored_documents
from billhook.portal.installation import environment
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.access import latest_job
from billhook.portal.jobs.models import Job, JobState
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.jobs.services import retry, stop
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from billhook.portal.storage.shelf import Holder
from portal.cast import Cast, invoice, signed_in
from portal.integration_cast import PDF, Source, integration

HOLDER = Holder(user_id="u", subject="zip", organisation_id="o")


class Killed(BaseException):
    """The process ends in the middle."""


class Documents(Source):
    """A source that has a document for each number, except where it answers otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, BillhookError | tuple[int, bytes]] = {}

    @property
    def asked(self) -> list[str]:
        """The numbers that it was asked for, in order."""
        return [request.url.rpartition("/")[2] for request in self.requests]

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        number = request.url.rpartition("/")[2]
        self.answer = self.answers.get(number, (200, PDF + number.encode() + b"\n%%EOF"))
        return await super().exchange(request, terms)


@pytest.fixture
def source(cast: Cast) -> Iterator[Documents]:
    """The system behind Harper IT's integration."""
    before = get_store(), get_recorder()
    documents = Documents()
    set_store(CommandStore(open_source=lambda _: documents))
    set_recorder(RunRecorder())
    integration(cast.harper)
    yield documents
    set_store(before[0])
    set_recorder(before[1])


def limit(monkeypatch: pytest.MonkeyPatch, **settings: int) -> None:
    """Change settings for one test."""
    changed = replace(environment.current(), **settings)
    monkeypatch.setattr(environment, "current", lambda: changed)


def three(cast: Cast) -> list[Invoice]:
    return [cast.open, cast.overdue, cast.paid]


def begun(cast: Cast, invoices: list[Invoice] | None = None) -> ZipDownload:
    [download] = begin_downloads(user=cast.carla.user, invoices=invoices or three(cast))
    return download


def done(download: ZipDownload) -> ZipDownload:
    """Let the job do what is due, and what it has put off."""
    run_due_jobs()
    Job.objects.filter(state=JobState.RUNNING).update(due_at=timezone.now() - timedelta(minutes=1))
    run_due_jobs()
    download.refresh_from_db()
    return download


def job_of(download: ZipDownload) -> Job:
    job = latest_job("zip", download.id)
    assert job is not None
    return job


def zip_of(cast: Cast, download: ZipDownload) -> dict[str, bytes]:
    """Return the files in the zip that Carla gets."""
    response: Any = opened(signed_in(cast.carla).get(f"/downloads/{download.id}"))
    assert response.headers["Content-Type"] == "application/zip"
    with ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def page_of(cast: Cast) -> str:
    return signed_in(cast.carla).get("/downloads").content.decode()


def test_the_chosen_documents_arrive_as_one_zip(cast: Cast, source: Documents) -> None:
    carla = signed_in(cast.carla)
    listed = carla.get("/").content.decode()
    assert f'name="invoice" value="{cast.open.id}" form="chosen"' in listed
    response = carla.post("/downloads", {"invoice": [cast.open.id, cast.paid.id]})
    assert (response.status_code, response.url) == (302, "/downloads")
    assert "Ready" in page_of(cast)
    [download] = downloads_for_contact(cast.carla.user)
    files = zip_of(cast, download)
    assert set(files) == {"INV-1.pdf", "INV-3.pdf", "invoices.csv"}
    assert files["INV-1.pdf"] == PDF + b"INV-1\n%%EOF"
    assert b'"INV-3","Acme"' in files["invoices.csv"]
    assert b'"INV-3.pdf"' in files["invoices.csv"]


def test_each_document_is_a_run_of_the_contact(cast: Cast, source: Documents) -> None:
    done(begun(cast))
    runs = Run.objects.all()
    assert {(run.kind, run.outcome, run.user_id) for run in runs} == {
        ("download", "ok", cast.carla.user_id)
    }
    assert {run.invoice_id for run in runs} == {each.id for each in three(cast)}
    assert set(ZipEntry.objects.values_list("run_id", flat=True)) == {run.id for run in runs}


def test_a_document_that_fails_leaves_the_others_and_is_named(
    cast: Cast, source: Documents
) -> None:
    source.answers = {"INV-2": (404, b""), "INV-3": (200, b"<html>Login</html>")}
    download = done(begun(cast))
    assert download.state == ZipState.READY
    files = zip_of(cast, download)
    assert set(files) == {"INV-1.pdf", "missing.txt", "invoices.csv"}
    text = files["missing.txt"].decode()
    assert "INV-2: The billing system has no document for it yet." in text
    assert "INV-3: The billing system didn't return the document." in text
    page = page_of(cast)
    assert "1 of 3 ready" in page
    assert "billing system has no document" in page
    assert "Login" not in page + text


def test_what_was_missing_can_be_fetched_again_and_nothing_else_is(
    cast: Cast, source: Documents
) -> None:
    source.answers = {"INV-2": (404, b"")}
    download = done(begun(cast))
    source.answers.clear()
    source.requests.clear()
    signed_in(cast.carla).post(f"/downloads/{download.id}/again")
    done(download)
    assert source.asked == ["INV-2"]
    assert set(zip_of(cast, download)) == {"INV-1.pdf", "INV-2.pdf", "INV-3.pdf", "invoices.csv"}
    assert not try_again(download=download)


def test_nobody_gets_an_invoice_of_others_by_its_id(cast: Cast, source: Documents) -> None:
    carla = signed_in(cast.carla)
    ids = [cast.of_bolt.id, cast.draft.id, cast.of_cedar.id, "0" * 12]
    page = carla.post("/downloads", {"invoice": ids}, follow=True).content.decode()
    assert "Choose at least one invoice" in page
    carla.post("/downloads", {"invoice": [*ids, cast.open.id]})
    run_due_jobs()
    assert source.asked == ["INV-1"]


def test_all_that_match_the_filter_are_downloaded(cast: Cast, source: Documents) -> None:
    carla = signed_in(cast.carla)
    carla.post("/downloads", {"what": "all", "query": "show=paid"})
    run_due_jobs()
    assert source.asked == ["INV-3"]


def test_too_many_are_refused_with_the_limit(
    cast: Cast, source: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, zip_invoices=2)
    carla = signed_in(cast.carla)
    page = carla.post("/downloads", {"what": "all", "query": "sort=number"}, follow=True)
    assert page.request["QUERY_STRING"] == "sort=number"
    assert "at most 2 invoices" in page.content.decode()
    assert not ZipDownload.objects.exists()


def test_invoices_of_two_organisations_are_two_downloads(cast: Cast, source: Documents) -> None:
    invite_contact(customer=cast.cedar, email=cast.carla.user.email, name="Carla")
    downloads = begin_downloads(user=cast.carla.user, invoices=[cast.open, cast.of_cedar])
    assert [each.organisation_id for each in downloads] == sorted(
        [cast.harper.id, cast.northwind.id]
    )
    assert {job.organisation_id for job in Job.objects.all()} == {cast.harper.id, cast.northwind.id}


def test_an_invoice_that_was_hidden_or_moved_meanwhile_is_left_out(
    cast: Cast, source: Documents
) -> None:
    download = begun(cast)
    Invoice.objects.filter(id=cast.overdue.id).update(hidden_at=timezone.now())
    Invoice.objects.filter(id=cast.paid.id).update(customer=cast.bolt)
    done(download)
    assert source.asked == ["INV-1"]
    assert set(zip_of(cast, download)) == {"INV-1.pdf", "invoices.csv"}


def test_a_stored_document_is_left_out_once_its_invoice_is_hidden(
    cast: Cast, source: Documents
) -> None:
    download = done(begun(cast))
    Invoice.objects.filter(id=cast.overdue.id).update(hidden_at=timezone.now())
    assert set(zip_of(cast, download)) == {"INV-1.pdf", "INV-3.pdf", "invoices.csv"}
    assert "INV-2" not in page_of(cast)


def test_a_contact_who_was_removed_gets_nothing(cast: Cast, source: Documents) -> None:
    download = done(begun(cast))
    carla = signed_in(cast.carla)
    remove_contact(contact=cast.carla)
    assert carla.get(f"/downloads/{download.id}").status_code == 404
    assert not downloads_for_contact(cast.carla.user).exists()


def test_a_contact_who_is_removed_in_the_middle_gets_nothing_more(
    cast: Cast, source: Documents
) -> None:
    download = begun(cast)
    remove_contact(contact=cast.carla)
    done(download)
    assert source.asked == []
    assert download.state == ZipState.FAILED


@pytest.mark.parametrize("batch", [1, 2])
def test_after_a_kill_only_the_rest_is_fetched(
    cast: Cast, source: Documents, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    invoices = [invoice(cast.acme, f"INV-{number}") for number in range(10, 20)]
    download = begun(cast, invoices)
    calls = 0

    def die(*args: Any, **more: Any) -> list[ZipEntry]:
        nonlocal calls
        calls += 1
        if calls > batch:
            raise Killed
        return next_entries(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(making, "next_entries", die)
        with pytest.raises(Killed):
            run_due_jobs()
    fetched = list(source.asked)
    assert len(fetched) == batch * making.AT_ONCE
    past = timezone.now() - timedelta(hours=1)
    Job.objects.filter(state=JobState.RUNNING).update(leased_until=past, due_at=past)
    done(download)
    assert sorted(source.asked) == [each.number for each in invoices]
    assert len(zip_of(cast, download)) == len(invoices) + 1


def test_a_source_that_does_not_respond_is_asked_once_more_after_a_pause(
    cast: Cast, source: Documents
) -> None:
    source.answers = {"INV-1": SourceTimeout("whole"), "INV-2": SourceTimeout("whole")}
    download = begun(cast)
    run_due_jobs()
    job = job_of(download)
    assert job.is_open
    assert job.due_at > timezone.now() + making.PAUSE / 2
    del source.answers["INV-1"]
    done(download)
    assert sorted(source.asked[:3]) == ["INV-1", "INV-2", "INV-3"]
    assert sorted(source.asked[3:]) == ["INV-1", "INV-2"]
    assert (
        "INV-2: The billing system didn't respond" in zip_of(cast, download)["missing.txt"].decode()
    )


def test_a_member_stops_it_and_has_it_tried_again(
    cast: Cast, source: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoices = [invoice(cast.acme, f"INV-{number}") for number in range(10, 20)]
    download = begun(cast, invoices)

    def stop_then_go_on(*args: Any, **more: Any) -> list[ZipEntry]:
        if len(source.requests) >= making.AT_ONCE:
            assert stop(job=job_of(download))
        return next_entries(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(making, "next_entries", stop_then_go_on)
        run_due_jobs()
    download.refresh_from_db()
    assert download.state == ZipState.STOPPED
    assert "It was stopped" in page_of(cast)
    files = zip_of(cast, download)
    assert len(files) == making.AT_ONCE + 2
    assert b"The download ended before" in files["missing.txt"]
    jobs = signed_in(cast.bob).get(f"/backoffice/{cast.harper.id}/jobs").content.decode()
    assert "Download of 10 documents" in jobs
    assert retry(job=job_of(download))
    done(download)
    assert download.state == ZipState.READY
    assert len(zip_of(cast, download)) == len(invoices) + 1


def test_a_document_that_arrives_after_the_stop_is_not_stored(
    cast: Cast, source: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = begun(cast)
    held = []
    hold = stored_documents().hold

    def stop_and_hold(body: Body, holder: Holder) -> str:
        held.append(hold(body, holder))
        stop(job=job_of(download))
        return held[-1]

    monkeypatch.setattr(stored_documents(), "hold", stop_and_hold)
    monkeypatch.setattr(making, "in_storage_thread", _here)
    run_due_jobs()
    assert held
    assert not any(stored_documents().has_file(name, cast.harper.id) for name in held)
    assert not ZipEntry.objects.exclude(state=EntryState.WAITING).exists()


async def _here(work: Any, *args: Any, **more: Any) -> Any:
    """Do in the event loop's thread what a thread of the storage does."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(work)(*args, **more)


def test_documents_beyond_the_limit_are_left_out(
    cast: Cast, source: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, zip_bytes=2 * len(PDF) + 100)
    download = done(begun(cast))
    assert b"This download is full" in zip_of(cast, download)["missing.txt"]


def test_a_document_that_the_storage_lost_is_named_and_can_be_fetched_again(
    cast: Cast, source: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_downloads, "in_storage_thread", _here)
    download = done(begun(cast))
    lost = download.entries.get(invoice=cast.open)
    stored_documents().remove(lost.kept_file, cast.harper.id)
    assert b"INV-1: It is no longer stored." in zip_of(cast, download)["missing.txt"]
    assert "2 of 3 ready" in page_of(cast)
    assert try_again(download=download)
    assert len(zip_of(cast, done(download))) == 4


def test_none_at_all_is_a_failure_and_there_is_nothing_to_get(
    cast: Cast, source: Documents
) -> None:
    source.answers = dict.fromkeys(("INV-1", "INV-2", "INV-3"), (404, b""))
    download = done(begun(cast))
    assert (download.state, job_of(download).state) == (ZipState.FAILED, JobState.FAILED)
    assert "None of the documents could be fetched" in page_of(cast)
    assert signed_in(cast.carla).get(f"/downloads/{download.id}").url == "/downloads"


def test_it_is_deleted_by_its_contact_and_after_its_time(cast: Cast, source: Documents) -> None:
    first, second = done(begun(cast)), done(begun(cast))
    assert timezone.now() + timedelta(hours=71) < first.expires_at
    names = [entry.kept_file for each in (first, second) for entry in each.entries.all()]
    assert all(stored_documents().has_file(name, cast.harper.id) for name in names)
    signed_in(cast.carla).post(f"/downloads/{first.id}/delete")
    ZipDownload.objects.filter(id=second.id).update(expires_at=timezone.now())
    assert signed_in(cast.carla).get(f"/downloads/{second.id}").status_code == 404
    forget_old_downloads()
    assert not ZipDownload.objects.exists()
    assert not any(stored_documents().has_file(name, cast.harper.id) for name in names)


def test_a_person_has_a_few_in_progress_and_a_few_kept(cast: Cast, source: Documents) -> None:
    for _ in range(services.MOST_UNFINISHED):
        begun(cast)
    with pytest.raises(services.CannotDownload, match="still in progress"):
        begun(cast)
    ZipDownload.objects.update(state=ZipState.READY)
    for _ in range(12):
        begun(cast)
        ZipDownload.objects.update(state=ZipState.READY)
    assert ZipDownload.objects.count() == 10


def test_a_member_who_looks_as_the_contact_chooses_nothing(cast: Cast) -> None:
    page = signed_in(cast.bob).get(f"/as/{cast.carla.id}/").content.decode()
    assert cast.open.number in page
    assert 'name="invoice"' not in page
    assert "/downloads" not in page


def test_names_in_the_zip_are_never_the_same() -> None:
    names = ["INV-1.pdf", "inv-1.PDF", "INV-1.pdf", "missing.txt", "INV-1-2.pdf", "é.pdf"]
    found = list(unique_names([ZipEntry(file_name=name) for name in names]))
    assert found == [
        "INV-1.pdf",
        "inv-1-2.PDF",
        "INV-1-3.pdf",
        "missing-2.txt",
        "INV-1-2-2.pdf",
        "é.pdf",
    ]


def test_the_memory_does_not_grow_with_the_zip(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 16 * 1024 * 1024
    name = stored_documents().hold(Body(b"x" * size), HOLDER)
    entries = [
        ZipEntry(kept_file=name, size=size, invoice=Invoice(number=f"I-{number}"))
        for number in range(4)
    ]
    documents = [packing.PackedDocument(entry=each, name=each.invoice.number) for each in entries]
    monkeypatch.setattr(packing, "_list_of", lambda _: b"")
    made = Packing(organisation_id="o", documents=documents, missing=[])
    tracemalloc.start()
    try:
        with made.pack() as body:
            assert body.size > 4 * size
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
        stored_documents().remove(name, "o")


def test_the_page_follows_a_download_in_progress(cast: Cast, settings: Any) -> None:
    settings.JOBS_AT_ONCE = False
    download = begun(cast)
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    page = page_of(cast)
    assert re.search(r'id="downloads"[^>]* data-live="2"', page)
    assert "0 of 3 documents" in page
    assert f"/downloads/{download.id}/delete" in page
