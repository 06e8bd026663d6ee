"""One page of each kind that links lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from browser.visitor import Visitor

FILES = re.compile(r"/document|/held/|/export|\.csv|^mailto:")
IDS = re.compile(r"/[0-9a-hjkmnp-tv-z]{12}(?=/|$)")
PRESET = re.compile(r"/integrations/add/[\w-]+")
LINKS = "[...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))"


def kind_of(url: str) -> str:
    """Two pages are of one kind if only the ids, or presets, in their addresses differ."""
    split = urlsplit(url)
    names = sorted(part.partition("=")[0] for part in split.query.split("&") if part)
    path = PRESET.sub("/integrations/add/PRESET", IDS.sub("/ID", split.path))
    return f"{path}?{'&'.join(names)}"


def crawl(visitor: Visitor, start: str, *, limit: int = 60) -> Iterator[tuple[str, str]]:
    """Open one page of each kind, and give its kind and address while it is open."""
    seen: set[str] = set()
    waiting = [start]
    while waiting and len(seen) < limit:
        url = waiting.pop(0)
        if kind_of(url) in seen:
            continue
        seen.add(kind_of(url))
        visitor.page.goto(url)
        yield kind_of(url), url
        for link in visitor.page.evaluate(LINKS):
            target = urljoin(url, link).partition("#")[0]
            if target.startswith(visitor.demo.address) and not FILES.search(target):
                waiting.append(target)
