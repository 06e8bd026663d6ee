"""Filters, order and sums of a list of invoices; the caller says whose list it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db import models
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Abs

from billhook.portal.invoices.models import Invoice, OpenSum
from billhook.portal.invoices.shown_status import (
    has_balance,
    is_credit,
    is_open,
    is_overdue,
    is_paid,
)
from billhook.portal.paging.count import MOST_COUNTED, Count, count_up_to
from billhook.portal.paging.order import Order

SORTS: Final = {
    "number": ("number", "id"),
    "customer": ("customer__name", "customer__id", "number", "id"),
    "date": ("issued_on", "number", "id"),
    "due": ("due_on", "number", "id"),
    "amount": ("amount", "number", "id"),
    "open": ("open_amount", "number", "id"),
}
"""The orders of a list: the word in the URL, and the fields; equals by number, then id."""


_MOST_CURRENCIES: Final = 200
MOST_ON_CHIP: Final = 3_000
"""Invoices that are counted for a choice that isn't the current one."""


class Show(StrEnum):
    """The filter of a list of invoices."""

    ALL = "all"
    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """The filters and order of a list."""

    show: Show = Show.ALL
    search: str = ""
    customer_id: str = ""
    currency: str = ""
    issued_from: date | None = None
    issued_to: date | None = None
    sort: str = "date"
    is_descending: bool = True

    @property
    def is_narrow(self) -> bool:
        """Whether it may hide anything."""
        return self.show is not Show.ALL or self.has_filters

    @property
    def has_filters(self) -> bool:
        """Whether it filters by more than the chips."""
        return bool(self.search) or self.has_other_filters

    @property
    def has_other_filters(self) -> bool:
        """Whether it filters by more than the chips and the search."""
        return any((self.customer_id, self.currency, self.issued_from, self.issued_to))


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The open amount in one currency, the part of it that is overdue, and unused credit."""

    currency: str
    open_amount: Decimal
    overdue_amount: Decimal
    credit_amount: Decimal


def condition_of(criteria: InvoiceFilter) -> Q:
    """Return the condition of the filters, without the choice to show and the search."""
    condition = Q()
    if criteria.customer_id:
        condition &= Q(customer_id=criteria.customer_id)
    if criteria.currency:
        condition &= Q(currency=criteria.currency)
    if criteria.issued_from:
        condition &= Q(issued_on__gte=criteria.issued_from)
    if criteria.issued_to:
        condition &= Q(issued_on__lte=criteria.issued_to)
    return condition


def shown(show: Show, *, today: date) -> Q:
    """Return the condition for *show*."""
    match show:
        case Show.ALL:
            return Q()
        case Show.OPEN:
            return is_open()
        case Show.OVERDUE:
            return is_overdue(today=today)
        case Show.PAID:
            return is_paid()


def order_of(criteria: InvoiceFilter, *, are_of_one: bool) -> Order:
    """Return the wished order. By customer, invoices that *are_of_one* are in that by number."""
    fields = SORTS["number" if are_of_one and criteria.sort == "customer" else criteria.sort]
    return Order(name=criteria.sort, fields=fields, is_descending=criteria.is_descending)


def in_order(invoices: QuerySet[Invoice], criteria: InvoiceFilter) -> QuerySet[Invoice]:
    """Return *invoices* in the wished order, for reading all of them."""
    first, *others = SORTS[criteria.sort]
    sign = "-" if criteria.is_descending else ""
    by = F(first).desc(nulls_last=True) if sign else F(first).asc(nulls_last=True)
    return invoices.order_by(by, *(f"{sign}{name}" for name in others))


def currencies_of(invoices: QuerySet[Invoice], *, are_of_contact: bool) -> list[str]:
    """Return the currencies of *invoices*: each is looked up as the next one after the last.

    Those of a contact are read instead, from a narrow index: there is none by currency for them.
    """
    if are_of_contact:
        return list(invoices.order_by("currency").values_list("currency", flat=True).distinct())
    found: list[str] = []
    by_currency = invoices.order_by("currency").values_list("currency", flat=True)
    while len(found) < _MOST_CURRENCIES:
        following = by_currency.filter(currency__gt=found[-1]) if found else by_currency
        currency = following.first()
        if currency is None:
            break
        found.append(currency)
    return found


def counts(
    invoices: QuerySet[Invoice],
    *,
    today: date,
    exactly: Collection[Show] = frozenset(Show),
    most_at_once: int = MOST_ON_CHIP,
) -> dict[Show, Count]:
    """Return the number of *invoices* for each choice, up to a bound: a low one if not *exactly*.

    If there are no more than *most_at_once*, one reading counts them for all choices.
    """
    some = invoices.order_by()[: most_at_once + 1].aggregate(
        **{show.value: models.Count("id", filter=shown(show, today=today)) for show in Show}
    )
    if some[Show.ALL] <= most_at_once:
        return {show: Count(some[show]) for show in Show}
    return {
        show: count_up_to(
            invoices.filter(shown(show, today=today)),
            MOST_COUNTED if show in exactly else MOST_ON_CHIP,
        )
        for show in Show
    }


def balances(invoices: QuerySet[Invoice], *, today: date) -> list[Balance]:
    """Return the open amount and the credit in each currency. Currencies are never added up."""
    rows = (
        invoices.filter(has_balance())
        .order_by("currency")
        .values("currency")
        .annotate(
            open_sum=Sum("open_amount", filter=is_open()),
            overdue_sum=Sum("open_amount", filter=is_overdue(today=today)),
            credit_sum=Sum(Abs("open_amount"), filter=is_credit()),
        )
    )
    return [_balance(row) for row in rows]


def kept_balances(sums: QuerySet[OpenSum], *, today: date) -> list[Balance]:
    """Return the same for the sums that the database keeps of a whole organisation."""
    rows = (
        sums.order_by("currency")
        .values("currency")
        .annotate(
            open_sum=Sum("open_amount"),
            overdue_sum=Sum("open_amount", filter=Q(due_on__lt=today)),
            credit_sum=Sum("credit_amount"),
        )
    )
    return [_balance(row) for row in rows if row["open_sum"] or row["credit_sum"]]


def _balance(row: Mapping[str, Any]) -> Balance:
    return Balance(
        currency=row["currency"],
        open_amount=row["open_sum"] or Decimal(0),
        overdue_amount=row["overdue_sum"] or Decimal(0),
        credit_amount=row["credit_sum"] or Decimal(0),
    )
