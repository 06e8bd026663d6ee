"""One page of a list as it is given to the sync: rows, problems, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from billhook.engine.listing.position import ListPosition
from billhook.engine.listing.rows import ListedRow, RowProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPage:
    """One page. Store its rows and its ``position`` together, then go on.

    ``skipped`` are rows left out, each with its reason; ``excluded`` counts those that
    ``include_when`` leaves out. ``stops`` are rows that would have ended the run, which only a
    tolerant one goes on after. ``slice_is_over`` and ``is_last`` say what ends with it;
    ``complete`` that the part reached its end, and the total if the source gives one.
    ``began`` is when the run began by the source's clock.
    """

    rows: tuple[ListedRow, ...]
    skipped: tuple[RowProblem, ...] = ()
    remarks: tuple[RowProblem, ...] = ()
    stops: tuple[RowProblem, ...] = ()
    excluded: int = 0
    slice: int = 0
    number: int = 1
    total: int | None = None
    seen: int = 0
    position: ListPosition
    slice_is_over: bool = False
    is_last: bool = False
    complete: bool = False
    not_modified: bool = False
    newest_change: datetime | None = None
    began: datetime
    validators: Mapping[str, str] = field(default_factory=dict)
    requests: int = 0
    remaining: int | None = None
