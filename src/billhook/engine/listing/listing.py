"""A list command, compiled: its paged requests, what its rows mean, and its limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from billhook.engine.answer.rows.page import PageReading
from billhook.engine.command.command import Command
from billhook.engine.egress.url import Origin
from billhook.engine.errors import Problem
from billhook.engine.listing.mapper import (
    CONTACTS,
    CREDIT_NOTES,
    CUSTOMERS,
    INVOICES,
    REMOVALS,
    RowMapper,
)
from billhook.engine.listing.nudge import Nudge
from billhook.engine.listing.values.times import TimeFormat

KIND_OF: Final = {
    "ListCustomers": CUSTOMERS,
    "ListContacts": CONTACTS,
    "ListInvoices": INVOICES,
    "ListCreditNotes": CREDIT_NOTES,
    "ListRemovedInvoices": REMOVALS,
}
"""The kind of rows of each list command, in the order in which a sync runs them."""
LIST_ORDER: Final = tuple(KIND_OF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter that Billhook adds: its name, or the path to set in a JSON body.

    ``place`` is query, header or json.
    """

    name: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """The way from page to page. ``position`` is the parameter that carries it, if one does."""

    kind: str
    size: int
    first: int
    max_pages: int
    position: Param | None = None
    size_param: Param | None = None
    last_page: str = "empty"
    total_is_pages: bool = False
    has_total: bool = False
    has_more_when: bool = False
    has_next: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """The question what changed. ``in_text`` says that the request itself has ``ChangedSince``.

    ``has_times`` says that rows have their own time of change.
    """

    kind: str
    format: TimeFormat
    since: Param | None
    until: Param | None
    in_text: bool
    overlap: timedelta
    slice: timedelta | None
    retention: timedelta | None
    start: date | None
    may_be_missing: bool
    has_times: bool

    @property
    def is_asked(self) -> bool:
        """Whether the source can be asked at all."""
        return self.kind != "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """One paged request: the command whose last step is paged, and how its pages are read."""

    command: Command
    reading: PageReading
    mapper: RowMapper
    paging: Paging
    changes: ChangeFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPass:
    """A further request. One with ``full_run`` replaces the command's own in full runs."""

    name: str
    every: timedelta | None
    full_run: bool
    request: ListRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLimits:
    """The source's limits: ``count`` requests in each ``period``, and so on."""

    count: int
    period: timedelta
    per_day: int | None = None
    pause: timedelta = timedelta()
    remaining_header: str = ""
    reserve: int = 0
    max_wait: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Safeguard:
    """The changes of one run before which the sync stops and asks; the parts are from 0 to 1."""

    hidden: Decimal = Decimal("0.2")
    min_rows: int = 10
    moved: int = 0
    amounts: Decimal = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list command without problems. ``mapped`` are the fields that its rows have.

    ``fingerprint`` is another one after each change that makes a full run necessary.
    """

    name: str
    kind: str
    own: ListRequest
    passes: tuple[ListPass, ...]
    mapped: frozenset[str]
    full_run_every: timedelta | None
    limits: ListLimits
    safeguard: Safeguard
    same_number: str
    conditional: bool
    nudge: Nudge | None
    for_each: str
    batch: int
    fingerprint: str
    notes: tuple[Problem, ...] = field(default=())

    @property
    def commands(self) -> tuple[Command, ...]:
        """The command's own request and those of its passes."""
        return tuple(request.command for request in self.requests)

    @property
    def requests(self) -> Iterator[ListRequest]:
        """Its own request and those of its passes."""
        yield self.own
        for each in self.passes:
            yield each.request

    @property
    def origins(self) -> frozenset[Origin]:
        """All origins that its own requests go to."""
        return frozenset().union(*(command.origins for command in self.commands))

    @property
    def signed_origins(self) -> frozenset[Origin]:
        """The origins whose requests are authenticated."""
        return frozenset().union(*(command.signed_origins for command in self.commands))

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it uses, also for nudges."""
        own = frozenset({self.nudge.secret}) if self.nudge else frozenset()
        return own.union(*(command.secrets for command in self.commands))

    def request_of(self, pass_name: str) -> ListRequest:
        """Return the request of the pass with this name, or its own for an empty one."""
        for each in self.passes:
            if each.name == pass_name:
                return each.request
        return self.own

    @property
    def full_request(self) -> tuple[str, ListRequest]:
        """The pass and the request of full runs."""
        for each in self.passes:
            if each.full_run:
                return each.name, each.request
        return "", self.own

    def could_return(self, changed: datetime | None) -> bool:
        """Say whether a full run would return a row with this time of change.

        What is older than ``changes.start`` isn't fetched, so it is never missing.
        """
        start = self.full_request[1].changes.start
        if start is None:
            return True
        return changed is not None and changed.date() >= start
