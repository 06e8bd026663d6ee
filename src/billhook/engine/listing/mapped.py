"""The rows of one page, mapped: those that count, and the reasons of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billhook.engine.answer.rows.page import EXCLUDED, TakenRow
from billhook.engine.listing.listing import ListRequest
from billhook.engine.listing.rows import ListedRow, RowProblem


@dataclass(slots=True, kw_only=True)
class MappedRows:
    """Rows, and problems of others: those skipped, those that stop a run, and remarks.

    ``times`` are the rows' own times of change, also of those left out.
    """

    rows: list[ListedRow] = field(default_factory=list)
    skipped: list[RowProblem] = field(default_factory=list)
    stops: list[RowProblem] = field(default_factory=list)
    remarks: list[RowProblem] = field(default_factory=list)
    times: list[datetime | None] = field(default_factory=list)
    excluded: int = 0


def map_rows(
    request: ListRequest, rows: Sequence[TakenRow], *, after: int = 0, customer: str = ""
) -> MappedRows:
    """Map *rows*, which come *after* so many others. *customer* is the one that was asked for."""
    found = MappedRows()
    for number, taken in enumerate(rows, start=after + 1):
        found.times.append(request.mapper.time_of(taken))
        if taken[0] == EXCLUDED:
            found.excluded += 1
            continue
        mapped = request.mapper.map(taken, number, customer=customer)
        found.remarks += mapped.remarks
        if mapped.row is not None:
            found.rows.append(mapped.row)
        elif mapped.problem is not None:
            (found.stops if mapped.stops else found.skipped).append(mapped.problem)
    return found
