"""Django behind our own handler: one hop to a thread, documents on the event loop."""

import asyncio
from pathlib import Path

import pytest
from django.core import signals

from asgi_client import Browser, ask, scope
from billhook.server.handler import EDITOR_THREADS, PortalHandler
from server import handler_pages

SMALL_FILE = Path(handler_pages.__file__).read_bytes()


@pytest.fixture
async def portal(settings):
    settings.ROOT_URLCONF = "server.handler_pages"
    handler_pages.seen.clear()
    handler = PortalHandler(threads=2, stream_threads=2)
    await handler.start()
    yield handler
    await handler.stop(seconds=60)


async def test_a_page_is_rendered_in_a_thread_and_sent_complete(portal):
    response = await ask(portal, "GET", "/plain", query=b"name=Ada")

    assert (response.status, response.body, response.ended) == (200, b"hello Ada", True)
    assert response.header("content-length") == "9"
    assert response.all("set-cookie") == ["one=1; Path=/", "two=2; HttpOnly; Path=/"]
    assert handler_pages.seen[0].startswith("portal_")


async def test_our_headers_are_on_every_page(portal):
    response = await ask(portal, "GET", "/plain")

    assert "default-src 'none'" in response.header("content-security-policy")
    assert response.header("x-content-type-options") == "nosniff"


async def test_pages_are_rendered_concurrently(portal):
    responses = await asyncio.gather(
        ask(portal, "GET", "/together"), ask(portal, "GET", "/together")
    )

    assert [response.body for response in responses] == [b"met", b"met"]


async def test_what_is_typed_in_the_editor_is_judged_in_threads_of_their_own(portal):
    """However many forms are judged, and for however long, other pages have their threads."""
    handler_pages.may_end.clear()
    address = "/backoffice/acme/integrations/new"
    forms = [asyncio.ensure_future(ask(portal, "POST", address)) for _ in range(6)]
    while len(handler_pages.seen) < EDITOR_THREADS:  # noqa: ASYNC110 - a test may poll
        await asyncio.sleep(0.01)

    page = await ask(portal, "GET", "/plain")

    assert page.status == 200
    assert [name.partition("_")[0] for name in handler_pages.seen] == ["editor", "editor", "portal"]
    handler_pages.may_end.set()
    assert {response.body for response in await asyncio.gather(*forms)} == {b"judged"}


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"abc"], id="one chunk"),
        pytest.param([b"a", b"", b"bc"], id="three chunks"),
        pytest.param([b"x" * 60_000, b"y" * 4_000], id="as much as a short form may have"),
    ],
)
async def test_a_body_arrives_whole(portal, pieces):
    response = await ask(portal, "POST", "/echo", pieces=pieces)

    assert response.body == b"".join(pieces)


async def test_an_uploaded_file_arrives(portal):
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.toml"\r\n\r\n'
        b"format = 1\r\n--x--\r\n"
    )
    headers = [
        (b"content-type", b"multipart/form-data; boundary=x"),
        (b"content-length", b"%d" % len(form)),
    ]
    response = await ask(portal, "POST", "/upload", pieces=[form], headers=headers)

    assert response.body == b"format = 1"


async def test_a_body_beyond_the_limit_is_refused_and_the_connection_closed(portal):
    response = await ask(portal, "POST", "/echo", pieces=[b"x" * 30_000] * 3)

    assert response.status == 413
    assert response.header("connection") == "close"
    assert b"64,000 bytes" in response.body


async def test_a_browser_that_leaves_while_sending_gets_nothing(portal):
    browser = Browser([])
    browser.left.set()
    await portal(scope("POST", "/echo"), browser.receive, browser.send)

    assert browser.answer.status == 0


async def test_a_stream_is_sent_chunk_by_chunk_from_its_own_thread(portal):
    response = await ask(portal, "GET", "/lines")

    assert response.pieces == [b"0\n", b"1\n", b"2\n", b""]
    assert len(set(handler_pages.seen)) == 1
    assert handler_pages.seen[0].startswith("portal-stream_")


async def test_an_asynchronous_stream_is_sent_chunk_by_chunk(portal):
    response = await ask(portal, "GET", "/async-lines")

    assert response.pieces == [b"0\n", b"1\n", b"2\n", b""]


async def test_a_short_file_is_sent_in_one_chunk(portal):
    response = await ask(portal, "GET", "/small-file")

    assert response.pieces == [SMALL_FILE]


async def test_a_document_is_fetched_on_the_event_loop_and_keeps_the_cookies(portal):
    response = await ask(portal, "GET", "/document")

    assert (response.status, response.body) == (200, b"%PDF-")
    assert response.header("content-type") == "application/pdf"
    assert response.all("set-cookie") == ["one=1; Path=/"]
    assert handler_pages.seen == ["MainThread"]


async def test_a_delivered_document_is_not_logged_as_a_failure(portal, caplog):
    await ask(portal, "GET", "/document")

    assert caplog.records == []


async def test_a_large_document_is_sent_chunk_by_chunk(portal):
    response = await ask(portal, "GET", "/streamed-document")

    assert response.pieces == [b"%PDF-", b"%%EOF", b""]
    assert response.header("content-type") == "application/pdf"


async def test_a_fetch_is_cancelled_when_the_browser_disconnects(portal):
    browser = Browser([b""])
    going_on = asyncio.create_task(
        portal(scope("GET", "/slow-document"), browser.receive, browser.send)
    )
    await asyncio.to_thread(handler_pages.begun.wait)
    browser.left.set()
    await going_on

    assert handler_pages.seen == ["began", "given up"]
    assert browser.answer.status == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("page", "status"),
    [
        pytest.param("/broken", 500, id="in the view"),
        pytest.param("/failing-document", 500, id="on the event loop"),
        pytest.param("/missing-document", 404, id="found missing on the event loop"),
        pytest.param("/none", 404, id="no such page"),
    ],
)
async def test_the_page_for_a_failure_reveals_nothing(portal, page, status):
    response = await ask(portal, "GET", page)

    assert response.status == status
    assert response.header("content-type") == "text/html; charset=utf-8"
    assert b"secret-value" not in response.body


async def test_a_request_that_is_not_unicode_is_a_bad_request(portal):
    response = await ask(portal, "GET", "/plain", query=b"\xff")

    assert response.status == 400


async def test_every_request_begins_and_ends_once_for_django(portal):
    heard = []

    def begins(**_):
        heard.append("begins")

    def ends(**_):
        heard.append("ends")

    signals.request_started.connect(begins)
    signals.request_finished.connect(ends)
    try:
        for page in ("/plain", "/document", "/broken", "/small-file", "/lines"):
            await ask(portal, "GET", page)
    finally:
        signals.request_started.disconnect(begins)
        signals.request_finished.disconnect(ends)

    assert heard == ["begins", "ends"] * 5


@pytest.mark.django_db(transaction=True)
async def test_each_thread_keeps_its_database_connection(portal, settings):
    for _ in range(4):
        await asyncio.gather(*(ask(portal, "GET", "/database") for _ in range(2)))

    connections = {tuple(line.split()) for line in handler_pages.seen}
    assert len(connections) == len({thread for thread, _ in connections}) == 2
