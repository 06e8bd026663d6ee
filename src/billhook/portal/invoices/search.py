"""The search of a list of invoices: by number, purchase order, amount, and customer.

Each kind of match is looked up in an index of its own first, so that only those kinds that match
anything become part of the list's condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from billhook.portal.customers.models import Customer
from billhook.portal.customers.search import customers_matching
from billhook.portal.fields.currencies import MAX_DECIMALS
from billhook.portal.invoices.models import Invoice

MOST_CUSTOMERS: Final = 500
_MOST_IDS: Final = 1_000
_WHOLE_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedInvoices:
    """The condition for the matches of a search, and a sentence if there may be more."""

    condition: Q
    note: str = ""


class IsGiven(Func):
    """Whether a text isn't empty: as text of SQL, by which SQLite recognises a partial index."""

    template = "%(expressions)s <> ''"
    output_field = BooleanField()
    conditional = True


class BeginsWith(Func):
    """Whether a text begins with another one, in any case, as an index of ``UPPER`` finds it."""

    output_field = BooleanField()
    conditional = True

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Return a range, because SQLite's LIKE looks up no expression in an index."""
        text, beginning = (compiler.compile(each) for each in self.get_source_expressions())
        upper, start = f"UPPER({text[0]})", f"UPPER({beginning[0]})"
        sql = f"({upper} >= {start} AND {upper} < {start} || char(1114111))"
        return sql, [*text[1], *beginning[1], *text[1], *beginning[1]]

    def as_postgresql(
        self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Return a pattern, because the order of letters depends on PostgreSQL's locale."""
        text, beginning = (compiler.compile(each) for each in self.get_source_expressions())
        pattern = [f"{_literal(str(value))}%" for value in beginning[1]]
        return f"UPPER({text[0]}) LIKE UPPER(%s)", [*text[1], *pattern]


def _literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def searched(
    invoices: QuerySet[Invoice], customers: QuerySet[Customer], text: str, *, are_few: bool
) -> SearchedInvoices:
    """Return the condition for those of *invoices*, of *customers*, that match *text*.

    If they *are_few*, any part of a number matches; otherwise its beginning.
    """
    found = list(
        customers_matching(customers, text).values_list("id", flat=True)[: MOST_CUSTOMERS + 1]
    )
    note = ""
    if len(found) > MOST_CUSTOMERS:
        note = (
            f"More than {MOST_CUSTOMERS:,} customers match “{text}”: only the invoices of "
            f"{MOST_CUSTOMERS:,} of them are listed. Type more of the name."
        )
    kinds = [*_facts(text, are_few=are_few)]
    if found:
        kinds.append(Q(customer_id__in=found[:MOST_CUSTOMERS]))
    return SearchedInvoices(condition=_any_of(invoices, kinds), note=note)


def _facts(text: str, *, are_few: bool) -> Iterator[Q]:
    for field in ("number", "po_number"):
        if are_few:
            yield Q(**{f"{field}__icontains": text})
        else:
            begins = Q(BeginsWith(F(field), Value(text)))
            yield begins if field == "number" else Q(IsGiven(F(field))) & begins
    amount = _amount(text)
    if amount is not None:
        yield Q(amount=amount)


def _amount(text: str) -> Decimal | None:
    """Return the amount that *text* is, if an invoice can have it."""
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    if not amount:
        return Decimal(0)
    if not amount.is_finite() or not -MAX_DECIMALS <= amount.adjusted() < _WHOLE_DIGITS:
        return None  # before anything is computed with an exponent of a billion
    _, _, exponent = amount.normalize().as_tuple()
    return amount if int(exponent) >= -MAX_DECIMALS else None


def _any_of(invoices: QuerySet[Invoice], kinds: list[Q]) -> Q:
    """Return one condition for *kinds*. A few matches become a list of ids, whatever their kind."""
    ids: set[str] = set()
    condition = Q()
    for kind in kinds:
        some = list(invoices.filter(kind).order_by().values_list("id", flat=True)[: _MOST_IDS + 1])
        if len(some) > _MOST_IDS:
            condition |= kind
        else:
            ids.update(some)
    if not condition or ids:
        condition |= Q(id__in=sorted(ids))
    return condition
