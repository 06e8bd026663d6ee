"""The rules of a sync that need no store: watermark, memory, and which row wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from billhook.engine.listing.listing import Listing
from billhook.engine.listing.plan import AGAIN, CHANGES, FULL, ListMemory, ListPart
from billhook.engine.listing.rows import RowProblem

WITHOUT_DATE: Final = timedelta(minutes=5)
"""The source's clock may be so much behind ours, where its responses have no Date."""
_OLD: Final = timedelta(days=1)
_HALF: Final = 2


def next_watermark(
    last: datetime | None, *, newest: datetime | None, began: datetime, has_times: bool
) -> datetime | None:
    """Return the watermark after a run whose rows are all stored.

    It is the *newest* change of the rows, but never later than when the run *began* by the
    source's clock, and never earlier than the *last* one. Where rows have no time, it is *began*.
    """
    reached = began if not has_times else None if newest is None else min(newest, began)
    known = [each for each in (last, reached) if each is not None]
    return max(known) if known else None


def remember(
    memory: ListMemory,
    listing: Listing,
    part: ListPart,
    *,
    newest: datetime | None,
    began: datetime,
    now: datetime,
    validators: Mapping[str, str] | None = None,
) -> ListMemory:
    """Return what to remember after *part* has ended and all its rows are stored.

    *began* is the run's start by the source's clock, and *now* by ours.
    """
    if part.kind == AGAIN:
        return replace(memory, passes={**memory.passes, part.pass_name: now})
    is_own = not part.pass_name
    changes = listing.own.changes
    # the rows of another request don't show how far the command's own has come
    has_times = changes.has_times and is_own and newest is not None
    if part.kind == CHANGES and changes.has_times and newest is None:
        return replace(memory, looked_at=now)
    last = None if part.kind == FULL else memory.watermark
    watermark = next_watermark(last, newest=newest, began=began, has_times=has_times)
    if part.kind == CHANGES:
        return replace(memory, watermark=watermark, looked_at=now)
    return ListMemory(
        fingerprint=listing.fingerprint,
        watermark=watermark,
        full_run_at=now,
        looked_at=now,
        passes={each.name: now for each in listing.passes},
        validators=dict(validators or {}),
    )


def remember_slice(memory: ListMemory, part: ListPart, number: int) -> ListMemory:
    """Return what to remember when the slice *number* of changes is stored, and others follow."""
    until = part.slices[number].until
    if part.kind != CHANGES or until is None or memory.watermark is None:
        return memory
    return replace(memory, watermark=max(memory.watermark, until))


def newer_wins(stored: datetime | None, arrived: datetime | None) -> bool:
    """Say whether a row that *arrived* is written over the *stored* one, by their changes.

    Without times, the later response wins.
    """
    return stored is None or arrived is None or arrived >= stored


def ignored_filter(times: Iterable[datetime | None], since: datetime | None) -> RowProblem | None:
    """Return a remark if more than half of a first page is over a day older than requested."""
    if since is None:
        return None
    known = list(times)
    old = sum(1 for each in known if each is not None and each < since - _OLD)
    if _HALF * old <= len(known):
        return None
    message = (
        "Most rows are older than requested, so the parameter for changes seems to have no effect. "
        "The result is right, but every sync reads everything. Compare its name and format."
    )
    return RowProblem(row=0, code="filter-ignored", message=message)
