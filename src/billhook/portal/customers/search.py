"""The search for customers by any part of their name or number.

SQLite looks in a full-text index of its own (:mod:`search_index`), PostgreSQL in an index of
trigrams. Both know parts of three letters and more; shorter texts match beginnings.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from billhook.portal.customers.models import Customer
from billhook.portal.paging.count import MOST_COUNTED, Count, counted

SHORTEST_PART: Final = 3
_FEW: Final = 2_000
"""Matches up to which all are sorted; with more, the list is read in order until it has enough."""


class InSearchIndex(Func):
    """Whether SQLite's full-text index has the customer for a phrase."""

    output_field = BooleanField()
    conditional = True

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Return the condition on the customer's id."""
        customer, phrase = (compiler.compile(each) for each in self.get_source_expressions())
        found = "SELECT customer_id FROM customers_search WHERE customers_search MATCH"
        return f"{customer[0]} IN ({found} {phrase[0]})", [*customer[1], *phrase[1]]


def customers_matching(customers: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """Return those of *customers* whose name or number contains *text*, in any case."""
    if len(text) < SHORTEST_PART:
        return customers.filter(Q(name__istartswith=text) | Q(number__istartswith=text))
    if connection.vendor == "sqlite" and not (text.isascii() and _are_many(text)):
        found: Any = InSearchIndex(F("pk"), Value(_phrase(text)))
        return customers.filter(found)
    return customers.filter(Q(name__icontains=text) | Q(number__icontains=text))


def count_matching(customers: QuerySet[Customer], text: str) -> Count:
    """Return the number of *customers* that match *text*, up to a bound."""
    found: Any = customers_matching(customers, text)
    if connection.vendor == "sqlite" and len(text) >= SHORTEST_PART:
        in_index: Any = InSearchIndex(F("pk"), Value(_phrase(text)))
        found = customers.filter(in_index)
    return counted(found.order_by()[: MOST_COUNTED + 1].count())


def _are_many(text: str) -> bool:
    """Return whether so many rows match that reading them in order meets enough of them soon."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM customers_search "
            "WHERE customers_search MATCH %s LIMIT %s)",
            [_phrase(text), _FEW + 1],
        )
        return bool(cursor.fetchone()[0] > _FEW)


def _phrase(text: str) -> str:
    """Return *text* as a phrase of FTS5's language, in which nothing in it has a meaning."""
    return '"' + text.replace('"', '""') + '"'
