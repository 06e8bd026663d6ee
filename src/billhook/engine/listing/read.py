"""Reads a list page by page: fills and sends the request, reads the page, maps its rows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from billhook.engine.answer.content import Unreadable
from billhook.engine.answer.rows.page import PageReading, TakenPage, TakenRow
from billhook.engine.answer.rows.sample import ListSample, SampleReading, sample_of
from billhook.engine.conversation import ReadableResponse
from billhook.engine.errors import BillhookError, ListUnreadable
from billhook.engine.http.request import WebRequest
from billhook.engine.http.trace import OK, Trace
from billhook.engine.http.transport import Transport
from billhook.engine.listing.listing import Listing, ListRequest
from billhook.engine.listing.mapped import MappedRows, map_rows
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.paging.amend import Amendment
from billhook.engine.listing.paging.exchange import ListExchange, read_deadline, send_readable
from billhook.engine.listing.paging.pager import PageFacts, Pager
from billhook.engine.listing.paging.params import page_params, page_tokens
from billhook.engine.listing.plan import FULL, ListPart, Slice
from billhook.engine.listing.position import ListPosition
from billhook.engine.listing.rows import RowProblem
from billhook.engine.listing.rules import WITHOUT_DATE, ignored_filter
from billhook.engine.run import run_first_steps
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import Value
from billhook.engine.tokens.values import Values, take_value

_NOT_MODIFIED: Final = 304
_LINK: Final = re.compile(r"<([^<>]{1,4000})>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s;,]+))*)")
_IS_NEXT: Final = re.compile(
    r";\s*rel\s*=\s*(?:\"(?:[^\"]*\s)?next(?:\s[^\"]*)?\"|next\b)", re.IGNORECASE
)
_VALIDATORS: Final = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
_MAX_REMARKS: Final = 1_000
"""So many remarks of one page are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTerms:
    """The way in which a list is read.

    ``customers`` are those to ask for, one request each, where the command does that. With
    ``tolerant``, rows that would stop the run are only reported, as in a dry run.
    """

    transport: Transport
    pace: ListPace
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    trace: Trace
    run_id: str | None = None
    share: str = ""
    customers: Sequence[str] = ()
    tolerant: bool = False


async def read_list(
    listing: Listing, part: ListPart, terms: ListTerms, position: ListPosition | None = None
) -> AsyncIterator[ListedPage]:
    """Yield the pages of *part*, from *position* on.

    Raises ListParked when it has to go on later, ListRepeats, ListTooLong, ListUnreadable, and
    what a run of any command raises; the pages yielded before stay valid.
    """
    reading = _ListReading(listing, part, terms)
    try:
        async for page in reading.pages(position or ListPosition()):
            yield page
    except BillhookError as error:
        terms.trace.conclude(error.code)
        raise
    terms.trace.conclude(OK)


async def take_sample(
    listing: Listing, part: ListPart, terms: ListTerms, reading: SampleReading
) -> ListSample:
    """Return a sample of the first page of *listing*'s own request; see :func:`read_list`."""
    first = _ListReading(listing, part, terms)
    try:
        sample = await first.sample(reading)
    except BillhookError as error:
        terms.trace.conclude(error.code)
        raise
    terms.trace.conclude(OK)
    return sample


class _ListReading:
    """One part of a list being read, its methods in the order of the story."""

    def __init__(self, listing: Listing, part: ListPart, terms: ListTerms) -> None:
        self._listing = listing
        self._part = part
        self._terms = terms
        self._request: ListRequest = listing.request_of(part.pass_name)
        self._exchange = ListExchange(
            transport=terms.transport,
            command=self._request.command,
            pace=terms.pace,
            trace=terms.trace,
            share=terms.share,
        )
        self._began: datetime | None = None
        self._validators: dict[str, str] = {}
        self._remaining: int | None = None

    async def pages(self, position: ListPosition) -> AsyncIterator[ListedPage]:
        """Yield the pages of all slices, and in each of all customers."""
        paging = self._request.paging
        now = self._terms.pace.now()
        position = position.resumed(now, size=paging.size, first=paging.first)
        self._began = position.began
        groups = self._groups()
        for number in range(position.slice, len(self._part.slices)):
            for index, group in enumerate(groups):
                if number == position.slice and group[:1] < (position.group,) and position.group:
                    continue
                is_here = position.slice == number and position.group == (group[0] if group else "")
                start = (
                    position if is_here else position.at_slice(number, group[0] if group else "")
                )
                following = groups[index + 1][0] if index + 1 < len(groups) else None
                async for page in self._slice_pages(start, group, following):
                    position = page.position
                    yield page
                    self._terms.pace.park_if_low(None if page.is_last else self._remaining)

    def _groups(self) -> list[tuple[str, ...]]:
        """Return the customers of each request; one without any, if it isn't asked so."""
        if not self._listing.for_each:
            return [()]
        customers, batch = sorted(set(self._terms.customers)), self._listing.batch
        return [
            tuple(customers[start : start + batch]) for start in range(0, len(customers), batch)
        ]

    async def _slice_pages(
        self, position: ListPosition, group: tuple[str, ...], following: str | None
    ) -> AsyncIterator[ListedPage]:
        """Yield the pages for one group of customers; *following* is the first of the next one."""
        pager = Pager(self._request.paging, position)
        values = await self._first_values(pager.position, group)
        goes_on = True
        while goes_on:
            reading = self._request.reading
            taken, response = await self._take_page(pager.position, values, group, reading)
            before = pager.position
            facts = self._facts(taken, response)
            response.close()
            is_unmodified = response.content.status == _NOT_MODIFIED
            goes_on = pager.advance(facts)
            yield self._page(
                taken[0],
                before=before,
                pager=pager,
                group=group,
                goes_on=goes_on,
                following=following,
                is_unmodified=is_unmodified,
            )

    async def sample(self, reading: SampleReading) -> ListSample:
        """Return what *reading* takes out of the first page."""
        position = Pager(self._request.paging, ListPosition()).position
        group = next(iter(self._groups()), ())
        values = await self._first_values(position, group)
        taken, response = await self._take_page(position, values, group, reading)
        response.close()
        return sample_of(taken)

    # Request

    async def _first_values(self, position: ListPosition, group: tuple[str, ...]) -> Values:
        """Return the values of all tokens, after the steps before the paged one."""
        command = self._request.command
        given = self._tokens(position, group)
        values = command.values(
            {name: given[name] for name in command.tokens},
            secrets=self._terms.secrets,
            run_id=self._terms.run_id,
        )
        earlier = command.steps[:-1]
        if not earlier:
            return values
        return await run_first_steps(earlier, values, self._exchange.conversation())

    def _tokens(self, position: ListPosition, group: tuple[str, ...]) -> dict[str, Value]:
        """Return the tokens that only a paged request has."""
        now = self._terms.pace.now()
        return page_tokens(self._request, position, self._span(position), customers=group, now=now)

    def _span(self, position: ListPosition) -> Slice:
        return self._part.slices[position.slice]

    async def _take_page(
        self,
        position: ListPosition,
        values: Values,
        group: tuple[str, ...],
        reading: PageReading | SampleReading,
    ) -> tuple[Any, ReadableResponse]:
        """Send the request of a page, and return what *reading* takes out of the response."""
        step = self._request.command.steps[-1]
        tokens = self._tokens(position, group)
        given = {name: take_value(tokens[name]) for name in step.uses if name in tokens}
        values = step.begin(values.with_more({**values.given, **given}))
        request = self._amendment(position).apply(step.fill(values))
        conversation = self._exchange.conversation()
        try:
            response = await self._send(request, conversation)
            if response.content.status == _NOT_MODIFIED and self._part.validators:
                return ([], None, None, None), response
            taken = await read_deadline(conversation).read(response, reading.take, values, reading)
        except Unreadable as unreadable:
            raise ListUnreadable(unreadable.reason) from None
        except BillhookError as failure:
            error = conversation.explained(failure)
            error.step = error.step or step.name
            raise error from None
        return taken, response

    async def _send(self, request: WebRequest, conversation: Any) -> ReadableResponse:
        response = await send_readable(conversation, request)
        headers = response.content.headers
        if self._began is None:
            self._began = _date_of(headers) or self._terms.pace.now() - WITHOUT_DATE
        self._remaining = self._terms.pace.check_remaining(headers)
        if self._listing.conditional and response.content.status != _NOT_MODIFIED:
            self._validators = _validators_of(headers)
        return response

    def _amendment(self, position: ListPosition) -> Amendment:
        """Return what Billhook adds to the request of the page at *position*."""
        validators = self._part.validators if not self._part.is_fresh else {}
        headers = tuple(
            (header, validators[name]) for name, header in _VALIDATORS.items() if name in validators
        )
        command = self._request.command
        return Amendment(
            params=tuple(page_params(self._request, position, self._span(position))),
            headers=headers if self._listing.conditional else (),
            url=position.url,
            origins=command.origins,
            led_from=next(iter(command.origins), None),
        )

    # Response

    def _facts(self, taken: TakenPage, response: ReadableResponse) -> PageFacts:
        rows, following, total, more = taken
        mapper, kind = self._request.mapper, self._request.paging.kind
        if kind == "link":
            following = _next_link(response.content.header("Link"))
        if following and kind in {"link", "next-url"}:
            following = response.content.absolute(str(following).strip())
        last = next((mapper.cursor_of(each) for each in reversed(rows)), None)
        if kind == "last-id" and rows and not isinstance(last, str | int):
            raise ListUnreadable("The last row has no id, so the next page can't be requested.")
        return PageFacts(
            ids=[mapper.id_of(each) for each in rows],
            last_id=last if isinstance(last, str | int) else None,
            next=following,
            total=_whole_number(total),
            more=more,
        )

    def _page(
        self,
        rows: Sequence[TakenRow],
        *,
        before: ListPosition,
        pager: Pager,
        group: tuple[str, ...],
        goes_on: bool,
        following: str | None,
        is_unmodified: bool,
    ) -> ListedPage:
        assert self._began is not None  # noqa: S101 - set with the first response; for mypy
        position = pager.position
        complete = position.complete and (goes_on or pager.is_complete)
        position = replace(
            position, complete=complete, began=self._began, at=self._terms.pace.now()
        )
        is_last_slice = before.slice == len(self._part.slices) - 1
        slice_is_over = not goes_on and following is None
        if not goes_on and following is not None:
            position = position.at_slice(before.slice, following)
        if slice_is_over and not is_last_slice:
            position = position.at_slice(before.slice + 1)
        customer = group[0] if len(group) == 1 else ""
        mapped = map_rows(self._request, rows, after=before.rows, customer=customer)
        if mapped.stops and not self._terms.tolerant:
            first = mapped.stops[0]
            raise ListUnreadable(first.message, row=first.row)
        is_last = slice_is_over and is_last_slice
        return ListedPage(
            rows=tuple(mapped.rows),
            skipped=tuple(mapped.skipped),
            remarks=(*self._page_remarks(mapped, before), *mapped.remarks[:_MAX_REMARKS]),
            stops=tuple(mapped.stops),
            excluded=mapped.excluded,
            slice=before.slice,
            number=before.page + 1,
            total=pager.total,
            seen=pager.position.seen,
            position=position,
            slice_is_over=slice_is_over,
            is_last=is_last,
            complete=is_last and complete and not is_unmodified,
            not_modified=is_unmodified,
            newest_change=max((each for each in mapped.times if each is not None), default=None),
            began=self._began,
            validators=self._part.validators if is_unmodified else self._validators,
            requests=self._exchange.requests,
            remaining=self._remaining,
        )

    def _page_remarks(self, mapped: MappedRows, before: ListPosition) -> Iterator[RowProblem]:
        if before.page or self._part.kind == FULL or self._request.changes.kind != "changed":
            return
        remark = ignored_filter(mapped.times, self._span(before).since)
        if remark is not None:
            yield remark


def _whole_number(value: Any) -> int | None:
    """Return the total that *value*, a number or a text, is."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _next_link(headers: Sequence[str]) -> str | None:
    """Return the address of the next page in a Link header (RFC 8288, 3)."""
    for header in headers:
        for match in _LINK.finditer(header):
            if _IS_NEXT.search(match[2]):
                return match[1]
    return None


def _date_of(headers: Sequence[tuple[str, str]]) -> datetime | None:
    """Return the time by the source's clock, as the Date header has it (RFC 9110, 6.6.1)."""
    for name, value in headers:
        if name.lower() == "date":
            try:
                found = parsedate_to_datetime(value)
            except ValueError:
                return None
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _validators_of(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = {name.lower(): value for name, value in headers}
    named = {"etag": found.get("etag"), "last_modified": found.get("last-modified")}
    return {name: value for name, value in named.items() if value}
