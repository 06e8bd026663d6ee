"""Compressed pages: which are, which never are, and what their length gives away."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from billhook.portal.compression.accept_encoding import Coding
from billhook.portal.compression.codings import MOST_PADDING, compress_page
from billhook.portal.compression.pages import CompressPages, never_compressed
from billhook.portal.documents.response import DocumentResponse, opened
from portal.cast import Cast, signed_in

LONG = "<p>An invoice of many lines.</p>" * 100
DECODERS: dict[str, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress}


def through(response: Any, *, path: str = "/", method: str = "GET", **headers: str) -> Any:
    """Send *response* through the middleware."""
    request = RequestFactory().generic(method, path, headers=headers)
    return CompressPages(lambda _: response)(request)


def page(text: str = LONG, **more: Any) -> HttpResponse:
    return HttpResponse(text, **more)


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_page_arrives_complete_in_a_coding_that_the_browser_accepts(coding: str) -> None:
    response = through(page(), accept_encoding=coding)
    assert response.headers["Content-Encoding"] == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert len(response.content) < len(LONG) / 4
    assert DECODERS[coding](response.content).decode() == LONG


@pytest.mark.parametrize("accepted", ["", "gzip;q=0", "zstd", "identity;q=0"])
def test_a_browser_that_accepts_none_of_our_codings_gets_the_page_uncompressed(
    accepted: str,
) -> None:
    response = through(page(), accept_encoding=accepted)
    assert response.content.decode() == LONG
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"


def test_a_short_page_is_compressed_only_for_a_browser_that_accepts_nothing_else() -> None:
    assert "Content-Encoding" not in through(page("short"), accept_encoding="gzip").headers
    response = through(page("short"), accept_encoding="gzip, identity;q=0")
    assert gzip.decompress(response.content) == b"short"


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(HttpResponse(status=204), id="no content"),
        pytest.param(HttpResponse(status=304), id="not modified"),
        pytest.param(page(content_type="image/png"), id="an image"),
        pytest.param(page(content_type="application/pdf"), id="a document"),
        pytest.param(page(headers={"Content-Encoding": "br"}), id="compressed already"),
        pytest.param(StreamingHttpResponse([LONG]), id="a stream"),
    ],
)
def test_content_that_compression_would_not_shrink_is_left_unchanged(response: Any) -> None:
    before = dict(response.headers)
    after = through(response, accept_encoding="gzip, br, identity;q=0")
    assert after is response
    assert {**after.headers, "Vary": ""} == {**before, "Vary": ""}


def test_a_strong_etag_becomes_weak_since_the_bytes_differ_each_time() -> None:
    response = through(page(headers={"ETag": '"1"'}), accept_encoding="gzip")
    assert response.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("coding", [Coding.BR, Coding.GZIP])
def test_the_length_of_a_page_is_random(coding: Coding) -> None:
    pages = [compress_page(LONG.encode(), coding) for _ in range(200)]
    lengths = {len(each) for each in pages}
    assert len(lengths) > MOST_PADDING / 2
    assert max(lengths) - min(lengths) < MOST_PADDING
    assert {DECODERS[coding.value](each).decode() for each in pages} == {LONG}


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_search_from_our_own_page_or_the_address_bar_is_compressed(site: str) -> None:
    response = through(page(), path="/?q=INV", accept_encoding="br", sec_fetch_site=site)
    assert response.headers["Content-Encoding"] == "br"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec_fetch_site": "cross-site"}, id="another site"),
        pytest.param({"sec_fetch_site": "same-site"}, id="a neighbour below the same domain"),
        pytest.param({}, id="a browser that doesn't say"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/?q=guess"), ("POST", "/")])
def test_text_that_another_site_may_have_chosen_is_never_compressed_with_a_page(
    headers: dict[str, str], method: str, path: str
) -> None:
    response = through(page(), method=method, path=path, accept_encoding="gzip, br", **headers)
    assert response.content.decode() == LONG
    assert "Content-Encoding" not in response.headers
    assert "no-transform" in response.headers["Cache-Control"]  # proxies leave it alone, too


def test_a_link_in_a_mail_opens_a_compressed_page() -> None:
    response = through(page(), accept_encoding="br", sec_fetch_site="cross-site")
    assert response.headers["Content-Encoding"] == "br"


def test_a_page_that_shows_a_secret_is_not_compressed() -> None:
    response = through(never_compressed(page()), accept_encoding="gzip, identity;q=0")
    assert response.content.decode() == LONG


def test_the_page_that_shows_a_new_key_is_not_compressed(cast: Cast) -> None:
    browser = signed_in(cast.alice)
    address = reverse("backoffice:keys", args=[cast.harper.id])
    own = {"accept-encoding": "gzip", "sec-fetch-site": "same-origin"}
    made = browser.post(address, {"name": "Shop", "scopes": ["run"]}, headers=own)
    assert b"Authorization: Bearer" in made.content
    assert "Content-Encoding" not in made.headers
    assert "no-transform" in made.headers["Cache-Control"]
    assert browser.get(address, headers=own).headers["Content-Encoding"] == "gzip"


def test_the_token_of_a_form_is_masked_differently_each_time(cast: Cast) -> None:
    browser = Client(headers={"accept-encoding": "gzip"})
    tokens = set()
    for _ in range(3):
        text = gzip.decompress(browser.get("/sign-in").content).decode()
        tokens.add(text.partition('name="csrfmiddlewaretoken" value="')[2][:64])
    assert len(tokens) == 3


@pytest.mark.parametrize(
    ("path", "status"), [("/sign-in", 200), ("/nothing", 404), ("/settings", 302)]
)
def test_pages_and_failures_are_compressed_with_our_headers(
    cast: Cast, path: str, status: int
) -> None:
    response = Client(headers={"accept-encoding": "br"}).get(path)
    assert response.status_code == status
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert ("Content-Encoding" in response.headers) is (status != 302)


def test_a_head_request_gets_the_headers_of_the_compressed_page(cast: Cast) -> None:
    response = signed_in(cast.carla).head("/", headers={"accept-encoding": "br"})
    assert (response.content, response.headers["Content-Encoding"]) == (b"", "br")


async def _document() -> HttpResponse:
    return page("%PDF-" + LONG, content_type="application/pdf")


async def _failure() -> HttpResponse:
    return page(status=502)


def test_a_document_is_not_compressed() -> None:
    response = opened(through(DocumentResponse(_document), accept_encoding="br, identity;q=0"))
    assert response.content.decode() == "%PDF-" + LONG
    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Length"] == str(len(LONG) + 5)


def test_the_page_shown_instead_of_a_document_is_compressed() -> None:
    response = opened(through(DocumentResponse(_failure), accept_encoding="br"))
    assert brotli.decompress(response.content).decode() == LONG
    assert response.headers["Content-Length"] == str(len(response.content))
