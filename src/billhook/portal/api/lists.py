"""Lists: their parameters, and pages that a cursor continues."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from billhook.portal.api.answers import shown
from billhook.portal.api.fields import Moment
from billhook.portal.api.problems import ApiProblem, invalid
from billhook.portal.paging.cursor import UnusableCursor, read_cursor
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import page_of
from billhook.portal.paging.settled import settled_until

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item", bound=BaseModel)
_MOST: Final = 200
_USUAL: Final = 50
_BY_CHANGE: Final = Order(name="changed", fields=("changed_at", "id"))


class PageQuery(BaseModel):
    """The parameters of every list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=_MOST, description="The most items of a page.")] = _USUAL
    cursor: Annotated[
        str, Field(max_length=2000, description="`next` of the page before; none for the first.")
    ] = ""


class ChangesQuery(PageQuery):
    """The parameters of a list whose changes a program can follow."""

    changed_since: Annotated[
        Moment | None,
        Field(
            description="Only those that changed then or later, the earliest change first. "
            "Goes without other filters."
        ),
    ] = None


class ApiPage(BaseModel, Generic[Item]):
    """One page of a list; ``next`` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None


def page_shown(
    rows: QuerySet[Row], order: Order, query: PageQuery, item: Callable[[Row], BaseModel]
) -> HttpResponse:
    """Return the page of *rows* that *query* asks for.

    Raises:
        ApiProblem: if the cursor is none of this list.
    """
    page = page_of(rows, order, query.cursor, size=query.limit)
    if page.problem:
        raise ApiProblem(
            "bad-cursor",
            "This cursor is none of this list: take `next` of the page before, as it is, and keep "
            "the other parameters as they were.",
        )
    items = [item(row) for row in page.rows]
    return shown(ApiPage[SerializeAsAny[BaseModel]](items=items, next=page.next or None))


def changes_shown(
    changed: Callable[[datetime, datetime], QuerySet[Row]],
    query: ChangesQuery,
    item: Callable[[Row], BaseModel],
) -> HttpResponse | None:
    """Return the page of changes that *query* asks for; None if it asks for no changes.

    *changed* returns the rows that changed from one time on, and before another.

    Raises:
        ApiProblem: if the cursor is none of this list, or there are filters that no index serves.
    """
    if query.changed_since is None:
        return None
    others = query.model_fields_set - ChangesQuery.model_fields.keys()
    if given := sorted(name for name in others if getattr(query, name)):
        names = " and ".join(given)
        raise invalid("changed_since", f"changed_since lists all changes: leave out {names}.")
    until = settled_until()
    rows = changed(query.changed_since, until)
    after = _time_of(query.cursor, rows)
    if after is not None:  # SQLite would read all rows before the cursor
        rows = changed(max(query.changed_since, after), until)
    return page_shown(rows, _BY_CHANGE, query, item)


def _time_of(cursor: str, rows: QuerySet[Row]) -> datetime | None:
    try:
        time: datetime = read_cursor(cursor, rows.model, _BY_CHANGE).values[0]
    except UnusableCursor:
        return None
    return time
