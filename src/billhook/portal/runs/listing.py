"""The list of runs: what its address asks for, and what it then shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from billhook.portal.runs.models import Kind, Run

OUTCOMES: Final = (("ok", "Worked"), ("failed", "Failed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsWish:
    """What is to be listed: what is empty asks for all. ``search`` is a run or an invoice."""

    outcome: str = ""
    kind: str = ""
    integration: str = ""
    search: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return self != RunsWish()


def read_wish(query: Mapping[str, str]) -> RunsWish:
    """Return what *query* asks for. What can't be understood asks for nothing."""
    outcome, kind = query.get("outcome", ""), query.get("kind", "")
    return RunsWish(
        outcome=outcome if outcome in dict(OUTCOMES) else "",
        kind=kind if kind in Kind.values else "",
        integration=query.get("integration", "").strip(),
        search=query.get("search", "").strip(),
        since=_date(query.get("since", "")),
        until=_date(query.get("until", "")),
    )


def narrow(runs: QuerySet[Run], wish: RunsWish) -> QuerySet[Run]:
    """Return those of *runs* that *wish* asks for."""
    if wish.outcome == "ok":
        runs = runs.filter(outcome="ok")
    elif wish.outcome == "failed":
        runs = runs.exclude(outcome="ok")
    if wish.kind:
        runs = runs.filter(kind=wish.kind)
    if wish.integration:
        runs = runs.filter(integration_id=wish.integration)
    if wish.search:
        runs = runs.filter(
            Q(id=wish.search.lower())
            | Q(part_of=wish.search.lower())
            | Q(invoice__number__iexact=wish.search)
            | Q(outcome=wish.search.lower())
        )
    return _between(runs, wish)


def _between(runs: QuerySet[Run], wish: RunsWish) -> QuerySet[Run]:
    if wish.since:
        runs = runs.filter(started_at__gte=_midnight(wish.since))
    if wish.until:
        runs = runs.filter(started_at__lt=_midnight(wish.until) + timedelta(days=1))
    return runs


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 9000 else None  # noqa: PLR2004 - years that people mean
