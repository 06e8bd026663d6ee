"""Filters, order and sums of a list of invoices; the caller says whose list it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from django.db.models import Count, Q, QuerySet, Sum

from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.shown_status import is_open, is_overdue

SORTS: Final = {
    "number": "number",
    "customer": "customer__name",
    "date": "issued_on",
    "due": "due_on",
    "amount": "amount",
    "open": "open_amount",
}
"""The orders of a list: the word in the URL, and the field."""


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
        given = (self.search, self.customer_id, self.currency, self.issued_from, self.issued_to)
        return any(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The open amount in one currency, and the part of it that is overdue."""

    currency: str
    open_amount: Decimal
    overdue_amount: Decimal


def narrow(
    invoices: QuerySet[Invoice], criteria: InvoiceFilter, *, today: date
) -> QuerySet[Invoice]:
    """Return the *invoices* that match *criteria*, in its order."""
    matching = filtered(invoices, criteria).filter(shown(criteria.show, today=today))
    return in_order(matching, criteria)


def filtered(invoices: QuerySet[Invoice], criteria: InvoiceFilter) -> QuerySet[Invoice]:
    """Return those of *invoices* that fit the filters, whatever their status."""
    if criteria.search:
        invoices = invoices.filter(_found(criteria.search))
    if criteria.customer_id:
        invoices = invoices.filter(customer_id=criteria.customer_id)
    if criteria.currency:
        invoices = invoices.filter(currency=criteria.currency)
    if criteria.issued_from:
        invoices = invoices.filter(issued_on__gte=criteria.issued_from)
    if criteria.issued_to:
        invoices = invoices.filter(issued_on__lte=criteria.issued_to)
    return invoices


def _found(search: str) -> Q:
    found = Q(number__icontains=search) | Q(customer__name__icontains=search)
    try:
        amount = Decimal(search.replace(",", ""))
    except InvalidOperation:
        return found
    return found | Q(amount=amount) if amount.is_finite() and abs(amount) < 10**12 else found


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
            return Q(status=Status.PAID)


def in_order(invoices: QuerySet[Invoice], criteria: InvoiceFilter) -> QuerySet[Invoice]:
    """Return *invoices* sorted as wished; equals by number, then id, so that pages are stable."""
    sign = "-" if criteria.is_descending else ""
    return invoices.order_by(f"{sign}{SORTS[criteria.sort]}", f"{sign}number", "id")


def counts(invoices: QuerySet[Invoice], *, today: date) -> dict[Show, int]:
    """Return the number of *invoices* for each choice."""
    totals = invoices.aggregate(
        **{show.value: Count("id", filter=shown(show, today=today)) for show in Show if show.value}
    )
    return {show: totals[show.value] for show in Show}


def balances(invoices: QuerySet[Invoice], *, today: date) -> list[Balance]:
    """Return the open amount in each currency. Currencies are never added up."""
    rows = (
        invoices.filter(is_open())
        .order_by("currency")
        .values("currency")
        .annotate(
            open_sum=Sum("open_amount"),
            overdue_sum=Sum("open_amount", filter=is_overdue(today=today)),
        )
    )
    return [
        Balance(
            currency=row["currency"],
            open_amount=row["open_sum"],
            overdue_amount=row["overdue_sum"] or Decimal(0),
        )
        for row in rows
    ]
