"""A page of a list: its rows with the values taken out of each, and the way to the next page.

It is read in a reader process, so everything here can be pickled, and the result has plain values
alone. Dates, amounts and statuses follow from them afterwards, in
:mod:`billhook.engine.listing.mapper`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.answer.conditions import Comparison, Condition
from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import UNBOUNDED
from billhook.engine.answer.paths import Path
from billhook.engine.answer.reading import PLAIN, Reading
from billhook.engine.answer.rows.row_list import JsonNode, RowPlace, inner_rows
from billhook.engine.answer.rows.row_path import JsonRowPath, RowPath, Taken, XmlRowPath
from billhook.engine.errors import DocumentNotFound, SourceStatus
from billhook.engine.tokens.values import Values

INCLUDED: Final = 0
EXCLUDED: Final = 1
REMOVED: Final = 2
_FAILED: Final = 500
"""A status with which the source's own reason is looked for, too."""

TakenRow = tuple[int, Any, Taken, list[Taken], list[bool], list[tuple[list[Taken], list[bool]]]]
"""Of a row: whether it counts, its id for the next page, its time, and its values and cases."""
TakenPage = tuple[list[TakenRow], Any, Any, bool | None]
"""The rows, the next token or URL, the total, and whether there are more, if that is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCondition:
    """One compiled fact about a row."""

    path: RowPath
    comparison: Comparison

    def holds(self, row: Any) -> bool:
        """Say whether *row* is so."""
        return self.comparison.holds(self.path.take(row))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTaking:
    """The values to take out of each row: by number, and the cases of its status."""

    paths: tuple[RowPath, ...]
    cases: tuple[tuple[RowCondition, ...], ...] = ()

    def take(self, record: Any) -> tuple[list[Taken], list[bool]]:
        """Return the values at each path, and whether each case holds."""
        taken = [path.take(record) for path in self.paths]
        return taken, [all(each.holds(record) for each in case) for case in self.cases]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReading:
    """The parts of a page that are read. ``inner`` are the rows within a row, such as contacts.

    ``id`` is the path to the id for the next page, and ``changed`` to the row's own time.
    """

    rows: RowPlace
    taking: RowTaking
    record: JsonRowPath | XmlRowPath | None = None
    include_when: tuple[RowCondition, ...] = ()
    removed_when: tuple[RowCondition, ...] = ()
    id: RowPath | None = None
    changed: RowPath | None = None
    inner: tuple[RowPath, RowTaking] | None = None
    response: Reading = PLAIN
    empty_when: tuple[Condition, ...] = ()
    more_when: tuple[Condition, ...] = ()
    next: Path | None = None
    total: Path | None = None

    @property
    def weight(self) -> float:
        """The effort of reading it, which grows with the rows: it is done apart."""
        return UNBOUNDED

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that its paths use."""
        parts = (*self.empty_when, *self.more_when, self.next, self.total)
        own = (name for part in parts if part is not None for name in part.tokens)
        return (*own, *self.response.plan_for(_FAILED).tokens)

    def is_empty(self, content: Content, values: Values) -> bool:
        """Say whether the response means that there are no rows."""
        return any(condition.holds(content, values) for condition in self.empty_when)

    def take(self, content: Content, values: Values) -> TakenPage:
        """Return the page in *content*.

        Raises the error of a response that isn't a success, and Unreadable where it isn't what is
        expected.
        """
        if self.is_empty(content, values):
            return [], None, None, False
        self._judge(content, values)
        rows = [self._take_row(row) for row in self.rows.rows(content)]
        more = None
        if self.more_when:
            more = all(condition.holds(content, values) for condition in self.more_when)
        return (
            rows,
            _first(self.next, content, values),
            _first(self.total, content, values),
            more,
        )

    def _judge(self, content: Content, values: Values) -> None:
        try:
            self.response.take(content, values)
        except DocumentNotFound as error:  # a list is always there, if only empty
            failure = SourceStatus(content.status)
            failure.source_reason = error.source_reason
            raise failure from None

    def _take_row(self, row: Any) -> TakenRow:
        cursor = self.id.take(row) if self.id else []
        changed = self.changed.take(row) if self.changed else []
        mark = self._mark(row)
        record = self._record(row)
        taken, cases = self.taking.take(record)
        inner = []
        if self.inner is not None and mark != EXCLUDED:
            path, taking = self.inner
            inner = [taking.take(each) for each in inner_rows(path, record)]
        return (mark, cursor[0] if cursor else None, changed, taken, cases, inner)

    def _mark(self, row: Any) -> int:
        if not all(condition.holds(row) for condition in self.include_when):
            return EXCLUDED
        is_removed = any(condition.holds(row) for condition in self.removed_when)
        return REMOVED if is_removed else INCLUDED

    def _record(self, row: Any) -> Any:
        if self.record is None:
            return row
        if isinstance(self.record, XmlRowPath):
            found = inner_rows(self.record, row)
            record = found[0] if found else None
        else:
            record = JsonNode(self.record.text).find(row)
        if record is None:
            raise Unreadable("A row of the page has no record at the path rows.record.")
        return record


def _first(path: Path | None, content: Content, values: Values) -> Any:
    """Return the first value at *path*; what isn't there is None."""
    if path is None:
        return None
    try:
        found = path.find(content, values)
    except Unreadable:
        return None
    value = next((each for each in found if each is not None), None)
    return None if isinstance(value, list | dict) else value
