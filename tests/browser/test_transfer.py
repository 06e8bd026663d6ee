"""Bytes that a first visit transfers: page, style, scripts, icons, and the headers of each."""

from __future__ import annotations

import re

import pytest

from browser.crawl import crawl
from browser.visitor import DANA, MAEVE

EDITOR = re.compile(r"/integrations/(new|ID)\?")
MOST, MOST_FOR_THE_EDITOR = 40_000, 60_000
NOT_COUNTED = re.compile(r"/document|/held/")
FILES = """performance.getEntriesByType("resource")
  .filter((entry) => entry.name.includes("/static/"))
  .map((entry) => [entry.name, entry.transferSize])"""
STRANGERS = ("/sign-in", "/sign-in/password", "/nowhere")


def transferred(browser, url: str, *, cookies) -> int:
    """Open *url* in a browser that has nothing yet; return the bytes of all but documents."""
    context = browser.new_context()
    context.add_cookies(cookies)
    page = context.new_page()
    requests = []
    page.on("requestfinished", lambda request: requests.extend([request]))
    page.goto(url, wait_until="networkidle")
    sizes = [request.sizes() for request in requests if not NOT_COUNTED.search(request.url)]
    context.close()
    assert sizes, url
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


def most(kind: str) -> int:
    return MOST_FOR_THE_EDITOR if EDITOR.search(kind) else MOST


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("email", "least"), [(DANA, 8), (MAEVE, 32)], ids=["contact", "member"])
def test_a_first_visit_to_any_page_is_small(email, least, demo, visit, browser):
    visitor = visit(demo)
    visitor.sign_in(email)
    cookies = visitor.page.context.cookies()
    sizes = {
        kind: transferred(browser, url, cookies=cookies)
        for kind, url in crawl(visitor, visitor.page.url)
    }
    assert {kind: size for kind, size in sizes.items() if size > most(kind)} == {}
    assert len(sizes) >= least, sorted(sizes)


@pytest.mark.parametrize("path", STRANGERS)
def test_a_first_visit_of_a_stranger_is_small(path, demo, browser):
    assert transferred(browser, f"{demo.address}{path}", cookies=[]) <= MOST


def test_a_second_visit_fetches_no_file_again(demo, visit):
    visitor = visit(demo)
    visitor.sign_in(DANA)
    visitor.go("/")
    visitor.go("/settings")
    files = visitor.page.evaluate(FILES)
    assert [name for name, size in files if size] == []
    assert len(files) >= 2
