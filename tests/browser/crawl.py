"""One page of each kind that links lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from browser.visitor import Visitor

FILES = re.compile(r"/document|/held/|/export|\.(csv|pdf)\b|/pay\b|^mailto:")
IDS = re.compile(r"/[0-9a-hjkmnp-tv-z]{12}(?=/|$)")
PRESET = re.compile(r"/integrations/add/[\w-]+")
DAYS = re.compile(r"/\d{4}-\d\d-\d\d/\d{4}-\d\d-\d\d(?=/|$)")
LINKS = "[...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))"


def kinds_of(url: str) -> frozenset[str]:
    """Return the page in *url* with each name of its query: ids, days and values don't count.

    A list that is sorted and on its second page is of two kinds, which are seen one by one.
    """
    split = urlsplit(url)
    names = {part.partition("=")[0] for part in split.query.split("&") if part}
    path = DAYS.sub("/DAYS", IDS.sub("/ID", split.path))
    path = PRESET.sub("/integrations/add/PRESET", path)
    return frozenset(f"{path}?{name}" for name in names or {""})


def crawl(visitor: Visitor, start: str, *, limit: int = 60) -> Iterator[tuple[str, str]]:
    """Open one page of each kind, and give its kind and address while it is open."""
    seen: set[str] = set()
    waiting = [start]
    while waiting and len(seen) < limit:
        url = waiting.pop(0)
        new = kinds_of(url) - seen
        if not new:
            continue
        seen |= new
        visitor.page.goto(url)
        yield min(new), url
        for link in visitor.page.evaluate(LINKS):
            target = urljoin(url, link).partition("#")[0]
            if target.startswith(visitor.demo.address) and not FILES.search(target):
                waiting.append(target)
