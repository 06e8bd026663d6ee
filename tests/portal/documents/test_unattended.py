"""A fetch goes on when its person leaves; their next visit gets its document, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from billhook.engine.errors import BillhookError, SourceTimeout
from billhook.portal.customers.models import Contact
from billhook.portal.customers.services import invite_contact
from billhook.portal.documents import unattended
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.token_values import Click
from billhook.portal.documents.unattended import UnattendedFetches, Visit
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.services import save_integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.models import Invoice
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, invoice
from portal.integration_cast import PDF, Source, integration, sources_of
from waiting import until


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


def wanted(row: Invoice, who: Contact) -> InvoiceDocument:
    get_store().refresh()
    sources_of(get_store(), row.organisation)  # so that all is in memory, and it is asked at once
    return InvoiceDocument(click=Click(invoice=row, user=who.user), kind=RunKind.VIEW)


def run(work: Callable[[UnattendedFetches], Coroutine[Any, Any, Any]]) -> Any:
    """Run *work* on an event loop of its own, as one process of the server does."""

    async def live() -> Any:
        fetches = UnattendedFetches()
        try:
            return await work(fetches)
        finally:
            await fetches.stop(seconds=60)

    return async_to_sync(live)()


async def leave(source: Source, *visits: Awaitable[Visit]) -> None:
    """Begin *visits*, and leave once *source* has been asked for all their documents."""
    running = [asyncio.ensure_future(visit) for visit in visits]
    await until(lambda: len(source.requests) == len(running))
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def bytes_of(visit: Visit) -> bytes:
    with visit.found.document as document:
        return document.body.read()


def visit(row: Invoice, who: Contact) -> Visit:
    """Visit *row* in a process of the server that knows of no earlier visit."""
    click = wanted(row, who)
    found: Visit = run(lambda fetches: fetches.find(click))
    return found


def left_behind(cast: Cast, source: Source) -> InvoiceDocument:
    """Have a fetch end with nobody waiting, and return the click that began it."""
    first = wanted(cast.open, cast.carla)

    async def go(fetches: UnattendedFetches) -> None:
        source.gate = asyncio.Event()
        await leave(source, fetches.find(first))
        source.gate.set()
        await asyncio.wait(fetches._endings)

    run(go)
    source.gate = None
    return first


def test_the_next_visit_gets_the_document_that_arrived_in_the_meantime(
    cast: Cast, source: Source
) -> None:
    integration(cast.harper)
    first = left_behind(cast, source)
    again = visit(cast.open, cast.carla)
    assert (bytes_of(again), again.run_id) == (PDF, first.run_id)
    get_recorder().flush()
    assert len(source.requests) == 1
    assert Run.objects.get().outcome == "ok"


def test_the_visit_after_that_asks_the_source_again(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    left_behind(cast, source)
    for _ in range(2):
        bytes_of(visit(cast.open, cast.carla))
    assert len(source.requests) == 2


def test_who_comes_back_earlier_waits_for_the_same_fetch(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    first, again = wanted(cast.open, cast.carla), wanted(cast.open, cast.carla)

    async def go(fetches: UnattendedFetches) -> Visit:
        source.gate = asyncio.Event()
        await leave(source, fetches.find(first))
        back = asyncio.create_task(fetches.find(again))
        await until(lambda: any(each.is_attended for each in fetches._going.values()))
        source.gate.set()
        return await back

    back = run(go)
    assert (bytes_of(back), back.run_id) == (PDF, first.run_id)
    assert len(source.requests) == 1


def test_somebody_else_does_not_get_what_arrived_for_one_person(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    colleague = invite_contact(customer=cast.acme, email="colleague@acme.example")
    first = left_behind(cast, source)
    assert visit(cast.open, colleague).run_id != first.run_id
    assert len(source.requests) == 2


def test_a_changed_invoice_is_fetched_again(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    left_behind(cast, source)
    cast.open.save()
    bytes_of(visit(cast.open, cast.carla))
    assert len(source.requests) == 2


def test_a_changed_integration_is_asked_again(cast: Cast, source: Source) -> None:
    row = integration(cast.harper)
    left_behind(cast, source)
    row.refresh_from_db()
    save_integration(integration=row, draft=draft_of(row), version=row.version)
    bytes_of(visit(cast.open, cast.carla))
    assert len(source.requests) == 2


def test_after_a_failure_the_next_visit_tries_again(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    source.answer = SourceTimeout("read")
    left_behind(cast, source)
    source.answer = (200, PDF)
    assert bytes_of(visit(cast.open, cast.carla)) == PDF


def test_a_failure_reaches_who_waits_for_it(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    source.answer = SourceTimeout("read")
    with pytest.raises(BillhookError):
        visit(cast.open, cast.carla)


def test_only_a_few_fetches_of_one_person_go_on(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    clicks = [wanted(invoice(cast.acme, f"MANY-{n}"), cast.carla) for n in range(5)]

    async def go(fetches: UnattendedFetches) -> None:
        source.gate = asyncio.Event()
        await leave(source, *(fetches.find(each) for each in clicks))
        source.gate.set()
        await asyncio.wait(fetches._endings)

    run(go)
    get_recorder().flush()
    outcomes = sorted(Run.objects.values_list("outcome", flat=True))
    assert outcomes == ["cancelled"] * 3 + ["ok"] * unattended.MOST_OF_ONE


def test_a_stopping_server_ends_what_goes_on(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    first = wanted(cast.open, cast.carla)

    async def go(fetches: UnattendedFetches) -> None:
        source.gate = asyncio.Event()
        await leave(source, fetches.find(first))

    run(go)
    get_recorder().flush()
    assert Run.objects.get().outcome == "cancelled"
