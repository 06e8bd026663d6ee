"""Documents are kept within limits, separately, and no longer than their configuration."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from billhook.engine.answer.document import Document
from billhook.engine.body import MEMORY_LIMIT, Body
from billhook.engine.errors import SourceTimeout
from billhook.engine.http.transport import Response
from billhook.portal.documents import fetch
from billhook.portal.documents.cache import CacheKey, DocumentCache
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.single_flight import Flights
from billhook.portal.documents.token_values import Click
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration, Keeping
from billhook.portal.integrations.services import save_integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.models import Invoice
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.outcomes import SHARED
from billhook.portal.runs.recorder import FoundDocument, RunRecorder, get_recorder, set_recorder
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.shelf import note_name
from portal.cast import Cast
from portal.integration_cast import PDF, Source, command, draft, integration
from waiting import until

FILE_NAME_LENGTH = 32
NEWER = PDF.replace(b"x" * 10, b"newer xxxx", 1)


class NamingSource(Source):
    """A source that names its answers with ETags, and says 304 to who has that one already."""

    def __init__(self) -> None:
        super().__init__()
        self.etag = '"1"'

    async def exchange(self, request: Any, terms: Any) -> Response:
        self.headers = (("Content-Type", "application/pdf"), ("ETag", self.etag))
        asked = dict(request.headers).get("If-None-Match")
        before, self.answer = self.answer, (304, b"") if asked == self.etag else self.answer
        try:
            return await super().exchange(request, terms)
        finally:
            self.answer = before


@pytest.fixture
def source() -> NamingSource:
    return NamingSource()


def cache_in(folder: Path, *, max_bytes: int) -> DocumentCache:
    shelf = FolderShelf(folder, kept_seconds=120, max_bytes=max_bytes)
    return DocumentCache(shelf, max_bytes=max_bytes, fresh_seconds=60)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentCache]:
    found = cache_in(tmp_path / "cache", max_bytes=1_000_000)
    monkeypatch.setattr(fetch, "document_cache", lambda: found)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def wired(source: NamingSource, cache: DocumentCache) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def opening(cast: Cast, invoice: Invoice | None = None, who: Any = None) -> InvoiceDocument:
    get_store().refresh()
    return InvoiceDocument(
        click=Click(invoice=invoice or cast.open, user=who or cast.carla.user), kind=RunKind.VIEW
    )


def view(cast: Cast, invoice: Invoice | None = None, who: Any = None) -> bytes:
    found = async_to_sync(opening(cast, invoice, who).find)()
    get_recorder().flush()
    with found.document as document:
        return document.body.read()


def reasons() -> list[str]:
    return list(Run.objects.order_by("started_at").values_list("reason", flat=True))


def keeping(row: Integration, how: Keeping) -> Integration:
    row.refresh_from_db()
    return save_integration(
        integration=row, draft=replace(draft_of(row), keeping=how), version=row.version
    )


# Asking each time


def test_the_source_is_asked_whether_the_stored_copy_is_still_current(
    cast: Cast, source: NamingSource
) -> None:
    integration(cast.harper)
    assert [view(cast) for _ in range(3)] == [PDF] * 3
    conditions = [dict(request.headers).get("If-None-Match") for request in source.requests]
    assert conditions == [None, '"1"', '"1"']
    assert reasons() == ["", "unchanged", "unchanged"]
    attempts = [run.attempts[0]["status"] for run in Run.objects.order_by("started_at")]
    assert attempts == [200, 304, 304]


def test_a_changed_document_is_fetched_again(cast: Cast, source: NamingSource) -> None:
    integration(cast.harper)
    view(cast)
    source.etag, source.answer = '"2"', (200, NEWER)
    assert view(cast) == NEWER
    assert view(cast) == NEWER
    assert reasons() == ["", "", "unchanged"]


@pytest.mark.parametrize(
    "etag",
    [
        pytest.param("", id="none"),
        pytest.param("bare", id="without quotes"),
        pytest.param('"a\r\nX: y"', id="with a line break"),
        pytest.param('"' + "a" * 300 + '"', id="endless"),
    ],
)
def test_without_a_valid_etag_nothing_is_kept(
    cast: Cast, source: NamingSource, cache: DocumentCache, etag: str
) -> None:
    integration(cast.harper)
    source.etag = etag
    view(cast)
    view(cast)
    assert reasons() == ["", ""]
    assert cache.sweep() == 0


def test_a_post_request_is_never_conditional(cast: Cast, source: NamingSource) -> None:
    integration(cast.harper, draft(command(method="POST", body="x")))
    view(cast)
    view(cast)
    assert all("If-None-Match" not in dict(request.headers) for request in source.requests)


def test_a_condition_in_the_configuration_is_left_unchanged(
    cast: Cast, source: NamingSource
) -> None:
    integration(cast.harper, draft(command(headers=(("If-Modified-Since", "x"),))))
    view(cast)
    view(cast)
    assert reasons() == ["", ""]


def test_missing_cached_bytes_are_fetched_again(
    cast: Cast, source: NamingSource, tmp_path: Path
) -> None:
    integration(cast.harper)
    view(cast)
    for file in (tmp_path / "cache").iterdir():
        if len(file.name) == FILE_NAME_LENGTH:
            file.unlink()
    assert view(cast) == PDF
    assert reasons() == ["", ""]


# Without asking


def test_a_trusted_copy_is_shown_without_a_request(cast: Cast, source: NamingSource) -> None:
    keeping(integration(cast.harper), Keeping.TRUSTED)
    source.etag = ""
    assert [view(cast), view(cast)] == [PDF, PDF]
    assert len(source.requests) == 1
    assert reasons() == ["", "kept"]


def test_an_old_trusted_copy_is_revalidated(
    cast: Cast, source: NamingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping(integration(cast.harper), Keeping.TRUSTED)
    view(cast)
    now = time.time()
    monkeypatch.setattr("billhook.portal.documents.cache.time.time", lambda: now + 61)
    view(cast)
    assert reasons() == ["", "unchanged"]


def test_a_copy_that_is_too_old_is_dropped(
    cast: Cast, source: NamingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping(integration(cast.harper), Keeping.TRUSTED)
    view(cast)
    now = time.time()
    monkeypatch.setattr("billhook.portal.documents.cache.time.time", lambda: now + 121)
    view(cast)
    assert reasons() == ["", ""]
    assert "If-None-Match" not in dict(source.requests[-1].headers)


# What a copy is good for


def change_invoice(cast: Cast, row: Integration) -> None:
    cast.open.save()


def change_configuration(cast: Cast, row: Integration) -> None:
    keeping(row, Keeping.TRUSTED)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change_invoice, id="the invoice"),
        pytest.param(change_configuration, id="the configuration"),
    ],
)
def test_a_changed_integration_drops_its_copies(
    cast: Cast, source: NamingSource, change: Callable[[Cast, Integration], None]
) -> None:
    row = integration(cast.harper)
    keeping(row, Keeping.TRUSTED)
    view(cast)
    change(cast, row)
    view(cast)
    assert len(source.requests) == 2
    assert reasons() == ["", ""]


def test_invoices_are_kept_apart(cast: Cast, source: NamingSource) -> None:
    keeping(integration(cast.harper), Keeping.TRUSTED)
    view(cast)
    view(cast, cast.overdue)
    assert [request.url[-5:] for request in source.requests] == ["INV-1", "INV-2"]


def test_contacts_are_kept_apart_where_the_request_names_them(
    cast: Cast, source: NamingSource
) -> None:
    named = command(url="{{BaseUrl}}/{{InvoiceNumber}}?for={{ContactEmail}}")
    keeping(integration(cast.harper, draft(named)), Keeping.TRUSTED)
    for who in (cast.carla.user, cast.carl.user, cast.carla.user):
        view(cast, who=who)
    assert len(source.requests) == 2


def test_nothing_is_kept_if_the_integration_says_so(
    cast: Cast, source: NamingSource, cache: DocumentCache
) -> None:
    keeping(integration(cast.harper), Keeping.OFF)
    view(cast)
    view(cast)
    assert reasons() == ["", ""]
    assert cache.sweep() == 0


def test_nothing_is_kept_if_the_operator_disables_it(
    cast: Cast, source: NamingSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = cache_in(tmp_path / "off", max_bytes=0)
    monkeypatch.setattr(fetch, "document_cache", lambda: off)
    integration(cast.harper)
    view(cast)
    view(cast)
    assert reasons() == ["", ""]
    assert not (tmp_path / "off").exists()


# Many clicks at once


async def all_wait(source: Source, clicks: int) -> None:
    """Return when so many *clicks* wait for a document, and *source* was asked for it."""
    flights = fetch._flights._flights
    await until(
        lambda: bool(source.requests) and sum(each.waiting for each in flights.values()) == clicks
    )


def test_many_clicks_at_once_are_one_fetch(cast: Cast, source: NamingSource) -> None:
    integration(cast.harper)
    openings = [opening(cast) for _ in range(5)]

    async def click_all() -> list[bytes]:
        source.gate = asyncio.Event()
        running = [asyncio.create_task(each.find()) for each in openings]
        await all_wait(source, len(running))
        source.gate.set()
        found = [await each for each in running]
        return [each.document.body.read() for each in found]

    assert async_to_sync(click_all)() == [PDF] * 5
    get_recorder().flush()
    assert len(source.requests) == 1
    assert sorted(reasons()) == ["", "shared", "shared", "shared", "shared"]


def test_a_person_who_leaves_does_not_end_the_fetch_for_the_others(
    cast: Cast, source: NamingSource
) -> None:
    integration(cast.harper)
    first, second = opening(cast), opening(cast)

    async def click_and_leave() -> bytes:
        source.gate = asyncio.Event()
        leaving, staying = (asyncio.create_task(each.find()) for each in (first, second))
        await all_wait(source, 2)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        source.gate.set()
        return (await staying).document.body.read()

    assert async_to_sync(click_and_leave)() == PDF
    assert len(source.requests) == 1


def test_when_everybody_has_left_the_fetch_is_given_up(cast: Cast, source: NamingSource) -> None:
    integration(cast.harper)
    given_up: list[str] = []
    exchange = source.exchange

    async def watched(request: Any, terms: Any) -> Response:
        try:
            return await exchange(request, terms)
        except asyncio.CancelledError:
            given_up.append("yes")
            raise

    source.exchange = watched  # type: ignore[method-assign]
    openings = [opening(cast), opening(cast)]

    async def leave() -> None:
        source.gate = asyncio.Event()
        running = [asyncio.create_task(each.find()) for each in openings]
        await all_wait(source, len(running))
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)

    async_to_sync(leave)()
    assert given_up == ["yes"]


def test_somebody_who_arrives_while_a_fetch_is_given_up_gets_their_own_fetch() -> None:
    flights = Flights()
    found = FoundDocument(document=document())

    async def leave_and_come() -> FoundDocument:
        ended = asyncio.Event()

        async def slow_to_end() -> FoundDocument:
            try:
                return await asyncio.Future()
            finally:
                await ended.wait()

        async def quick() -> FoundDocument:
            await asyncio.sleep(0)
            return found

        leaving = asyncio.create_task(flights.join("key", slow_to_end))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        coming = [asyncio.create_task(flights.join("key", quick)) for _ in range(2)]
        await asyncio.sleep(0)
        ended.set()
        one, other = await asyncio.gather(*coming)
        assert other.reason == SHARED
        return one

    assert async_to_sync(leave_and_come)().document.size == found.document.size


def test_everybody_waiting_gets_the_failure_and_the_next_click_tries_again(
    cast: Cast, source: NamingSource
) -> None:
    integration(cast.harper)
    source.answer = SourceTimeout("whole")
    openings = [opening(cast), opening(cast)]

    async def click_all() -> list[Any]:
        source.gate = asyncio.Event()
        running = [asyncio.create_task(each.find()) for each in openings]
        await all_wait(source, len(running))
        source.gate.set()
        return await asyncio.gather(*running, return_exceptions=True)

    assert [type(each) for each in async_to_sync(click_all)()] == [SourceTimeout] * 2
    assert len(source.requests) == 1
    source.answer = (200, PDF)
    assert view(cast) == PDF


# The folder


KEY = CacheKey(subject="a" * 64, state="1", organisation_id="harper")


def document(size: int = 5000) -> Document:
    return Document(media_type="application/pdf", extension="pdf", body=Body(b"x" * size))


def test_cached_files_are_readable_by_their_owner_only(
    cache: DocumentCache, tmp_path: Path
) -> None:
    cache.put(KEY, document(), etag='"1"', request="r")
    files = list((tmp_path / "cache").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_space_is_limited(tmp_path: Path) -> None:
    small = cache_in(tmp_path / "small", max_bytes=50_000)
    for number in range(30):
        key = CacheKey(subject=f"{number:064}", state="1", organisation_id="harper")
        small.put(key, document(), etag="", request="")
    held = sum(file.stat().st_size for file in (tmp_path / "small").iterdir())
    assert held <= 50_000
    assert (
        small.look_now(CacheKey(subject=f"{29:064}", state="1", organisation_id="harper"))
        is not None
    )
    small.close()


def test_a_document_that_would_push_out_all_others_is_not_kept(cache: DocumentCache) -> None:
    cache.put(KEY, document(300_000), etag="", request="")
    assert cache.look_now(KEY) is None


def test_a_copy_stored_in_another_state_is_dropped(cache: DocumentCache, tmp_path: Path) -> None:
    cache.put(KEY, document(), etag="", request="")
    assert cache.look_now(replace(KEY, state="2")) is None
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("facts", [b"", b"{}", b"[1]", b'{"state": "1"}', b"\xff"])
def test_damaged_metadata_is_ignored(cache: DocumentCache, tmp_path: Path, facts: bytes) -> None:
    cache.put(KEY, document(), etag="", request="")
    (tmp_path / "cache" / note_name(KEY.subject, KEY.holder)).write_bytes(facts)
    assert cache.look_now(KEY) is None


def test_a_large_document_is_read_from_a_file(tmp_path: Path) -> None:
    large = cache_in(tmp_path / "large", max_bytes=40_000_000)
    large.put(KEY, document(MEMORY_LIMIT + 1), etag="", request="")
    kept = large.look_now(KEY)
    assert kept is not None
    body = large.open(kept, KEY)
    assert body is not None
    with body:
        assert not body.in_memory
        assert body.size == MEMORY_LIMIT + 1
    large.close()
