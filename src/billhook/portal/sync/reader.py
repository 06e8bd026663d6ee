"""Reads lists from a job's own thread: the engine is asynchronous, our rows are not.

Between two pages no event loop runs, so that the database can be used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from billhook.engine.errors import ListParked
from billhook.engine.http.trace import Trace
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import ListPart
from billhook.engine.listing.position import ListPosition
from billhook.engine.source import Source
from billhook.portal.integrations.policy import Wiring, open_source

PAGE_SECONDS: Final = 25.0
"""Seconds for one page: a turn of a job ends after 40."""
_LONGEST_PAUSE: Final = 3.0
"""A longer pause isn't waited for: the job goes on after it."""


class PageTooSlow(Exception):
    """A page that took longer than a turn of a job may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCertificates:
    """The first day on which a certificate ends that servers have shown; None if none ends soon."""

    end: date | None


class SourceReader:
    """Reads the lists of one open source, page by page."""

    def __init__(self, source: Source, runner: asyncio.Runner) -> None:
        self._source = source
        self._runner = runner
        self._traces: list[Trace] = []

    @property
    def certificates(self) -> SeenCertificates | None:
        """The certificates of the servers that have responded; None if none has."""
        attempts = (each for trace in self._traces for each in trace.attempts)
        ends = [each.certificate_ends for each in attempts if each.status]
        days = [date.fromisoformat(end) for end in ends if end]
        return SeenCertificates(end=min(days, default=None)) if ends else None

    def pages(
        self,
        command: str,
        part: ListPart,
        *,
        position: ListPosition | None,
        customers: Sequence[str],
        pace: ListPace,
        run_id: str,
        tolerant: bool = False,
    ) -> Generator[ListedPage, None, None]:
        """Yield the pages of *part*, from *position* on.

        Raises:
            BillhookError: see :meth:`billhook.engine.source.Source.read_list`.
            PageTooSlow: after 25 seconds without a page.
        """
        trace = Trace()
        self._traces.append(trace)
        pages = self._source.read_list(
            command,
            part,
            trace=trace,
            position=position,
            customers=customers,
            pace=pace,
            run_id=run_id,
            tolerant=tolerant,
        )
        try:
            while (page := self._runner.run(_next(pages))) is not None:
                yield page
        finally:
            self._runner.run(_close(pages))


@contextmanager
def open_reader(wiring: Wiring) -> Iterator[SourceReader]:
    """Open the source that *wiring* describes, for reading its lists.

    Raises:
        ConfigurationError: for a certificate that can't be used.
        TokenError: for a missing secret.
    """
    with asyncio.Runner() as runner:
        source = runner.run(_open(wiring))
        try:
            yield SourceReader(source, runner)
        finally:
            runner.run(source.close())


async def _open(wiring: Wiring) -> Source:
    source = open_source(wiring)
    assert isinstance(source, Source)  # noqa: S101 - the built-in sample has no lists; for mypy
    return source


async def _next(pages: AsyncIterator[ListedPage]) -> ListedPage | None:
    try:
        async with asyncio.timeout(PAGE_SECONDS):
            return await anext(pages, None)
    except TimeoutError:
        raise PageTooSlow from None


async def _close(pages: AsyncIterator[ListedPage]) -> None:
    if isinstance(pages, AsyncGenerator):
        await pages.aclose()


async def short_pause(seconds: float) -> None:
    """Wait for a moment; raise ListParked where it would be longer."""
    if seconds > _LONGEST_PAUSE:
        raise ListParked(seconds)
    await asyncio.sleep(seconds)
