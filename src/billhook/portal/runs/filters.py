"""The filters of the list of runs, read from its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from billhook.portal.runs.models import Run, RunKind

OUTCOMES: Final = (("ok", "Worked"), ("failed", "Failed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """The filters of the list; empty ones match all runs. ``search`` is a run or an invoice."""

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


def failed_count(runs: QuerySet[Run]) -> int:
    """Return the number of *runs* that failed."""
    return runs.exclude(outcome="ok").count()


def narrow(runs: QuerySet[Run], criteria: RunFilter) -> QuerySet[Run]:
    """Return those of *runs* that match *criteria*."""
    if criteria.outcome == "ok":
        runs = runs.filter(outcome="ok")
    elif criteria.outcome == "failed":
        runs = runs.exclude(outcome="ok")
    if criteria.kind:
        runs = runs.filter(kind=criteria.kind)
    if criteria.integration:
        runs = runs.filter(integration_id=criteria.integration)
    if criteria.search:
        runs = runs.filter(
            Q(id=criteria.search.lower())
            | Q(part_of=criteria.search.lower())
            | Q(invoice__number__iexact=criteria.search)
            | Q(outcome=criteria.search.lower())
        )
    return _between(runs, criteria)


def _between(runs: QuerySet[Run], criteria: RunFilter) -> QuerySet[Run]:
    if criteria.since:
        runs = runs.filter(started_at__gte=_midnight(criteria.since))
    if criteria.until:
        runs = runs.filter(started_at__lt=_midnight(criteria.until) + timedelta(days=1))
    return runs


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 9000 else None  # noqa: PLR2004 - years that people mean
