"""Pages are drawn in fair shares, and a document that was too slow fails at once the next time."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.portal.documents import viewer
from billhook.portal.documents.limits import Reason
from billhook.portal.documents.renderer import CannotShow, Pages, PageSize, Renderer
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.documents.slow_documents import KEPT_SECONDS, MOST, SlowDocuments
from billhook.portal.documents.viewer import page_response, show
from billhook.portal.storage.shelf import Holder
from portal.documents import hostile_documents as hostile

SLOW = b"%PDF slow"
TOO_SLOW = str(Reason.TOO_SLOW.message).encode()


class WaitingRenderer(Renderer):
    """Draws at once, except a slow document: until it is released, and then it was too slow."""

    def __init__(self) -> None:
        super().__init__(size=0)
        self.release = threading.Event()
        self.drawn = 0

    def pages(self, document: io.BufferedIOBase, media_type: str) -> Pages:  # type: ignore[override]
        return Pages(count=1, sizes=(PageSize(width=1, height=1),))

    def page(self, document: io.BufferedIOBase, *_: object, **__: object) -> bytes:  # type: ignore[override]
        self.drawn += 1
        if document.read() != SLOW:
            return b"image"
        self.release.wait(20)
        raise CannotShow(Reason.TOO_SLOW)


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> Iterator[WaitingRenderer]:
    made = WaitingRenderer()
    monkeypatch.setattr(viewer, "renderer", lambda: made)
    for cached in (viewer._slow, viewer._places, viewer._threads):
        cached.cache_clear()
    yield made
    made.release.set()
    viewer._slow.cache_clear()


def holder(organisation: str) -> Holder:
    return Holder(user_id="carla", subject="invoice:1", organisation_id=organisation)


async def opened_page(content: bytes, organisation: str) -> Callable[[], asyncio.Task[bytes]]:
    """Show a document, and return what starts drawing its page."""
    who = holder(organisation)
    document = Document(media_type="application/pdf", extension="pdf", body=Body(content))
    shown = await show(document, holder=who, run_id="a" * 12, file_name="INV-1.pdf")
    return lambda: asyncio.create_task(_page_of(shown.token, who))


async def _page_of(token: str, who: Holder) -> bytes:
    response = page_response(token, who, number=1)
    assert isinstance(response, DocumentResponse)
    ready = await response.open()
    assert isinstance(ready, HttpResponse)
    return ready.content


async def test_slow_pages_of_one_organisation_leave_a_place_for_others(
    renderer: WaitingRenderer,
) -> None:
    slow = await opened_page(SLOW, "northwind")
    quick = await opened_page(b"%PDF", "harper")
    waiting = [slow() for _ in range(6)]
    await asyncio.sleep(0.1)
    assert await asyncio.wait_for(quick(), 5) == b"image"
    assert not any(task.done() for task in waiting)
    renderer.release.set()
    assert set(await asyncio.gather(*waiting)) == {TOO_SLOW}
    assert renderer.drawn == 2  # the others of the six know by then that it is too slow


async def test_a_slow_document_fails_at_once_the_next_time_for_anyone(
    renderer: WaitingRenderer,
) -> None:
    renderer.release.set()
    assert await (await opened_page(SLOW, "northwind"))() == TOO_SLOW
    other = await opened_page(b"%PDF fast", "harper")  # of the same size
    assert await (await opened_page(SLOW, "harper"))() == TOO_SLOW
    assert renderer.drawn == 1
    assert await other() == b"image"


async def test_it_fails_at_once_even_while_its_organisation_waits(
    renderer: WaitingRenderer,
) -> None:
    renderer.release.set()
    assert await (await opened_page(SLOW, "northwind"))() == TOO_SLOW
    await viewer._places().enter("northwind")
    began = time.monotonic()
    assert await (await opened_page(SLOW, "northwind"))() == TOO_SLOW
    assert time.monotonic() - began < 5
    viewer._places().leave("northwind")


def note(slow: SlowDocuments, content: bytes) -> None:
    with pytest.raises(CannotShow), slow.noting(io.BytesIO(content), len(content)):
        raise CannotShow(Reason.TOO_SLOW)


def is_known(slow: SlowDocuments, content: bytes) -> bool:
    try:
        slow.check(io.BytesIO(content), len(content))
    except CannotShow:
        return True
    return False


def test_a_slow_document_is_forgotten_after_an_hour() -> None:
    now = [0.0]
    slow = SlowDocuments(clock=lambda: now[0])
    note(slow, b"slow")
    now[0] = KEPT_SECONDS - 1
    assert is_known(slow, b"slow")
    now[0] = KEPT_SECONDS + 1
    assert not is_known(slow, b"slow")


def test_only_so_many_slow_documents_are_remembered() -> None:
    slow = SlowDocuments()
    for number in range(MOST + 1):
        note(slow, f"{number:05}".encode())
    assert not is_known(slow, b"00000")
    assert is_known(slow, f"{MOST:05}".encode())


def test_other_failures_are_not_remembered() -> None:
    slow = SlowDocuments()
    with pytest.raises(CannotShow), slow.noting(io.BytesIO(b"x"), 1):
        raise CannotShow(Reason.DAMAGED)
    assert not is_known(slow, b"x")


def test_a_real_document_that_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Renderer(size=1, seconds=1)
    monkeypatch.setattr(viewer, "renderer", lambda: real)
    viewer._slow.cache_clear()
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        assert draw(hostile.endless_pdf()) == TOO_SLOW
        seconds.append(time.monotonic() - began)
    assert seconds[0] > 1 > seconds[1]
    real.close()
    viewer._slow.cache_clear()


@async_to_sync
async def draw(content: bytes) -> bytes:
    who = holder("harper")
    document = Document(media_type="application/pdf", extension="pdf", body=Body(content))
    shown = await show(document, holder=who, run_id="a" * 12, file_name="INV-1.pdf")
    return await _page_of(shown.token, who)
