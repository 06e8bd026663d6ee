"""The viewed and the downloaded document have the same bytes, fetched once."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from PIL import Image

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.portal.documents import viewer
from billhook.portal.documents.held import shelf
from billhook.portal.documents.limits import Reason
from billhook.portal.documents.response import opened
from billhook.portal.documents.viewer import (
    PAGES_SHOWN,
    ShownDocument,
    file_response,
    page_response,
    show,
)
from billhook.portal.storage.shelf import Holder
from portal.documents import hostile_documents as hostile

CARLA = Holder(user_id="carla", subject="invoice:1", organisation_id="harper")
PDF = "application/pdf"


@async_to_sync
async def shown(content: bytes, media_type: str = PDF) -> ShownDocument:
    document = Document(media_type=media_type, extension="pdf", body=Body(content))
    return await show(document, holder=CARLA, run_id="a" * 12, file_name="INV-1.pdf")


def content_of(response: HttpResponseBase) -> bytes:
    ready = opened(response)
    assert isinstance(ready, HttpResponse)
    return ready.content


def test_a_document_is_shown_as_its_pages() -> None:
    told = shown(hostile.good_pdf(pages=2))
    assert [(page.number, page.width) for page in told.pages] == [(1, 1400), (2, 1400)]
    assert (told.page_count, told.pages_left_out, told.trouble) == (2, 0, None)
    assert (told.held.run_id, told.held.file_name) == ("a" * 12, "INV-1.pdf")


def test_an_image_of_a_page_has_the_reported_size() -> None:
    told = shown(hostile.good_pdf())
    response = page_response(told.token, CARLA, number=1)
    image = Image.open(io.BytesIO(content_of(response)), formats=["PNG"])
    assert image.size == (told.pages[0].width, told.pages[0].height)


def test_the_download_is_byte_for_byte_the_fetched_document() -> None:
    content = hostile.good_pdf()
    response = opened(file_response(shown(content).token, CARLA, download=True))
    assert isinstance(response, HttpResponse)
    assert response.content == content
    assert response.headers["Content-Disposition"] == 'attachment; filename="INV-1.pdf"'
    assert response.headers["Content-Type"] == PDF
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db  # closing a response looks after the connection
def test_a_large_document_is_sent_in_chunks() -> None:
    content = hostile.good_pdf() + bytes(2_000_000)
    response = opened(file_response(shown(content).token, CARLA, download=False))
    assert response.streaming
    assert b"".join(_pieces(response)) == content
    response.close()


@async_to_sync
async def _pieces(response: HttpResponseBase) -> list[bytes]:
    return [piece async for piece in response]  # type: ignore[attr-defined]


def test_a_document_with_too_many_pages_to_show_says_so() -> None:
    told = shown(hostile.good_pdf(pages=PAGES_SHOWN + 3, size=(50, 50)))
    assert (len(told.pages), told.pages_left_out) == (PAGES_SHOWN, 3)


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (hostile.good_pdf(password="secret"), PDF, Reason.PROTECTED),
        (b"%PDF-1.7 nonsense %%EOF", PDF, Reason.DAMAGED),
        (b"{}", "application/json", Reason.OTHER_KIND),
    ],
    ids=lambda value: value if isinstance(value, Reason) else "",
)
def test_a_document_that_cannot_be_shown_can_still_be_downloaded(
    content: bytes, media_type: str, reason: Reason
) -> None:
    told = shown(content, media_type)
    assert (told.trouble, told.pages) == (reason, ())
    assert content_of(file_response(told.token, CARLA, download=True)) == content


def test_a_page_that_does_not_exist_gets_a_clear_message() -> None:
    response = opened(page_response(shown(hostile.good_pdf()).token, CARLA, number=9))
    assert response.status_code == 422
    assert content_of(response) == b"The document doesn't have this page."


Answer = Callable[[str, Holder], HttpResponse]
ANSWERS = [
    pytest.param(lambda token, who: page_response(token, who, number=1), id="page"),
    pytest.param(lambda token, who: file_response(token, who, download=True), id="file"),
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    "holder",
    [replace(CARLA, user_id="carl"), replace(CARLA, subject="invoice:2")],
    ids=["another person", "another invoice"],
)
def test_nobody_else_gets_a_held_document(answer: Answer, holder: Holder) -> None:
    token = shown(hostile.good_pdf()).token
    with pytest.raises(Http404):
        answer(token, holder)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_document_that_is_gone_must_be_fetched_again(answer: Answer) -> None:
    told = shown(hostile.good_pdf())
    (shelf()._folder / told.held.name).unlink()
    with pytest.raises(Http404):
        answer(told.token, CARLA)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_document_that_disappears_at_the_last_moment_gets_a_clear_message(answer: Answer) -> None:
    told = shown(hostile.good_pdf())
    response = answer(told.token, CARLA)
    (shelf()._folder / told.held.name).unlink()
    ready = opened(response)
    assert ready.status_code == 404
    assert b"Open it again." in content_of(ready)


def test_without_space_a_document_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelf(), "_max_bytes", 0)
    told = shown(hostile.good_pdf())
    assert (told.token, told.trouble) == ("", Reason.TOO_LARGE)


def test_waiting_too_long_for_a_page_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(hostile.good_pdf())
    monkeypatch.setattr(viewer, "_PATIENCE", 0)
    response = opened(page_response(told.token, CARLA, number=1))
    assert content_of(response) == Reason.BUSY.message.encode()
