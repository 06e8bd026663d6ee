"""One page of a list: its rows, and the addresses of the pages around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet

from billhook.portal.paging.cursor import LAST, Cursor, UnusableCursor, cursor_at, read_cursor
from billhook.portal.paging.order import Order, beyond, stretches_of

Row = TypeVar("Row", bound=Model)
_PROBLEM: Final = (
    "This link doesn't lead to a page of this list any more, so here is the first page."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Generic[Row]):
    """One page of a list.

    *previous* and *next* are the parameters ``page`` of the pages around it; empty if there is
    none. *problem* is a sentence for the reader, if the address named no page.
    """

    rows: list[Row]
    previous: str = ""
    next: str = ""
    problem: str = ""
    last: str = LAST

    @property
    def is_whole(self) -> bool:
        """Whether these are all rows of the list."""
        return not (self.previous or self.next)


def page_of(rows: QuerySet[Row], order: Order, address: str, *, size: int) -> ListPage[Row]:
    """Return the page of *rows* that *address* names, the parameter ``page``: the first if empty.

    A page has *size* rows. It costs the same wherever it is, if an index has the order. Rows that
    come and go meanwhile shift no page.
    """
    if not address:
        return _first(rows, order, size)
    if address == LAST:
        return _before(rows, order, None, size)
    try:
        cursor = read_cursor(address, rows.model, order)
    except UnusableCursor:
        return _first(rows, order, size, problem=_PROBLEM)
    if cursor.is_before:
        return _before(rows, order, cursor, size)
    return _after(rows, order, cursor, size)


def _first(rows: QuerySet[Row], order: Order, size: int, *, problem: str = "") -> ListPage[Row]:
    found = _rows(rows, order, None, size + 1)
    return ListPage(rows=found[:size], next=_next(found, order, size), problem=problem)


def _after(rows: QuerySet[Row], order: Order, cursor: Cursor, size: int) -> ListPage[Row]:
    found = _rows(rows, order, cursor, size + 1)
    if not found:  # the rows after it are gone
        return _before(rows, order, None, size)
    return ListPage(
        rows=found[:size],
        previous=cursor_at(found[0], order, is_before=True),
        next=_next(found, order, size),
    )


def _before(rows: QuerySet[Row], order: Order, cursor: Cursor | None, size: int) -> ListPage[Row]:
    """Return the page that ends before *cursor*, or at the end of the list."""
    found = _rows(rows, order, cursor, size + 1, is_backwards=True)
    if len(found) <= size:  # it reaches the beginning: a full first page is better
        return _first(rows, order, size)
    shown = found[-size:]
    return ListPage(
        rows=shown,
        previous=cursor_at(shown[0], order, is_before=True),
        next=cursor_at(shown[-1], order, is_before=False) if cursor else "",
    )


def _next(found: list[Row], order: Order, size: int) -> str:
    return cursor_at(found[size - 1], order, is_before=False) if len(found) > size else ""


def _rows(
    rows: QuerySet[Row],
    order: Order,
    cursor: Cursor | None,
    most: int,
    *,
    is_backwards: bool = False,
) -> list[Row]:
    """Return up to *most* rows next to *cursor*, or next to the list's end, in the list's order."""
    found: list[Any] = []
    for part in _parts(rows, order, cursor, is_backwards=is_backwards):
        found += part.values_list("pk", flat=True)[: most - len(found)]
        if len(found) == most:
            break
    return _in_order(rows, found[::-1] if is_backwards else found)


def _in_order(rows: QuerySet[Row], keys: list[Any]) -> list[Row]:
    """Return the rows with *keys*, in their order.

    The keys are found first, because an index alone can often do that; whole rows are read only
    for the page.
    """
    by_key = {row.pk: row for row in _with_keys(rows, keys)}
    return [by_key[key] for key in keys if key in by_key]


def _with_keys(rows: QuerySet[Row], keys: list[Any]) -> QuerySet[Row]:
    """Return those of *rows* with *keys*, by nothing else.

    If it got the list's conditions as well, a database may look for those first, and read a
    whole big list once more.
    """
    if rows.query.annotations:
        return rows.order_by().filter(pk__in=keys)
    all_ = rows.model._base_manager.using(rows.db)  # noqa: SLF001 - Django's documented manager
    found = all_.order_by().filter(pk__in=keys)
    found.query.select_related = rows.query.select_related
    prefetched = rows._prefetch_related_lookups  # type: ignore[attr-defined] # noqa: SLF001 - Django has no other way to it
    return found.prefetch_related(*prefetched)


def _parts(
    rows: QuerySet[Row], order: Order, cursor: Cursor | None, *, is_backwards: bool
) -> Iterator[QuerySet[Row]]:
    """Yield the rows on one side of *cursor*, a query for each stretch."""
    stretches = list(enumerate(stretches_of(rows.model, order)))
    is_descending = order.is_descending is not is_backwards
    for at, stretch in reversed(stretches) if is_backwards else stretches:
        part = stretch.sorted(rows, is_descending=is_descending)
        if cursor is None or (at < cursor.stretch if is_backwards else at > cursor.stretch):
            yield part
        elif at == cursor.stretch:
            condition: Any = beyond(
                rows.model, stretch.fields, cursor.values, is_ascending=not is_descending
            )
            yield part.filter(condition)
