"""The filters of the list of runs, read from its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from billhook.portal.integrations.access import id_of_integration
from billhook.portal.organisations.models import Member
from billhook.portal.paging.count import Count, count_all_up_to
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import ListPage
from billhook.portal.runs.access import ids_of_integration, runs_for_member
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.search import CUSTOMERS, FEW, found_by

NEWEST_FIRST: Final = Order(name="newest", fields=("started_at", "id"), is_descending=True)
_MANY_CUSTOMERS: Final = (
    f"More than {CUSTOMERS} customers fit this search, so only the runs of {CUSTOMERS} of them are "
    "listed. Type more of the customer's name, or its number."
)
OUTCOMES: Final = (("ok", "Worked"), ("failed", "Failed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """The filters of the list; empty ones match all runs.

    ``search`` is a run, an invoice or a customer; ``integration`` an id or a name.
    """

    outcome: str = ""
    kind: str = ""
    integration: str = ""
    search: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out."""
        return self != RunFilter()


def read_filter(query: Mapping[str, str]) -> RunFilter:
    """Return the filters in *query*. Invalid ones are ignored."""
    outcome, kind = query.get("outcome", ""), query.get("kind", "")
    return RunFilter(
        outcome=outcome if outcome in dict(OUTCOMES) else "",
        kind=kind if kind in RunKind.values else "",
        integration=query.get("integration", "").strip(),
        search=query.get("search", "").strip(),
        since=_date(query.get("since", "")),
        until=_date(query.get("until", "")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """The runs that match a filter: *rows* to read in order, and the same to count, in parts."""

    rows: QuerySet[Run]
    to_count: tuple[QuerySet[Run], ...]
    outcome: str
    note: str = ""
    """A sentence for the reader, if not all that the search fits are there."""

    def totals(self, page: ListPage[Run]) -> tuple[Count, Count | None]:
        """Return how many there are, and how many of them failed. *page* is one of their pages.

        None, if counting the failures would take long.
        """
        if page.is_whole:  # nobody needs to be asked again
            failures = [run for run in page.rows if run.outcome != "ok"]
            return Count(len(page.rows)), Count(len(failures))
        count = count_all_up_to(self.to_count)
        if self.outcome:
            return count, count if self.outcome == "failed" else Count(0)
        is_quick = self.to_count == (self.rows,)
        return count, count_all_up_to([failed(self.rows)]) if is_quick else None


def narrow(member: Member, criteria: RunFilter) -> RunList:
    """Return the runs of *member*'s organisation that match *criteria*."""
    runs = _between(_of_kind(member, criteria), criteria)
    if not criteria.search:
        return RunList(rows=runs, to_count=(runs,), outcome=criteria.outcome)
    found = found_by(member, criteria.search)
    rows = runs.filter(found.on_the_way)
    parts = tuple(runs.filter(condition) for condition in found.in_any_order)
    is_one_way = found.in_any_order == (found.on_the_way,)
    return RunList(
        rows=rows,
        # the failed ones are few, and an index has them in the list's order
        to_count=(rows,) if is_one_way or criteria.outcome == "failed" else parts,
        outcome=criteria.outcome,
        note=_MANY_CUSTOMERS if found.is_partial else "",
    )


def _of_kind(member: Member, criteria: RunFilter) -> QuerySet[Run]:
    runs = runs_for_member(member)
    if criteria.outcome == "ok":
        runs = runs.filter(outcome="ok")
    elif criteria.outcome == "failed":
        runs = failed(runs)
    if criteria.kind:
        runs = runs.filter(kind=criteria.kind)
    if criteria.integration:
        runs = runs.filter(_is_of(member, criteria.integration))
    return runs


def _is_of(member: Member, id_or_name: str) -> Q:
    """Return the condition for runs of an integration: a few by their ids.

    Of many, one is soon met on the way through the list.
    """
    integration_id = id_of_integration(member, id_or_name)
    if integration_id is None:
        return Q(id__in=())
    ids = ids_of_integration(member, integration_id, most=FEW + 1)
    return Q(integration_id=integration_id) if len(ids) > FEW else Q(id__in=ids)


def failed(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return those of *runs* that failed."""
    return runs.exclude(outcome="ok")


def _between(runs: QuerySet[Run], criteria: RunFilter) -> QuerySet[Run]:
    if criteria.since:
        runs = runs.filter(started_at__gte=_midnight(criteria.since))
    if criteria.until:
        runs = runs.filter(started_at__lt=_midnight(criteria.until + timedelta(days=1)))
    return runs


def _midnight(day: date) -> datetime:
    """Return the beginning of *day* in the reader's time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 9000 else None  # noqa: PLR2004 - years that people mean
