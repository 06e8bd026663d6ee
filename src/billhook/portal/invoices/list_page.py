"""The page that lists invoices: filters, chips, headings, rows and balances, for both sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict

from billhook.portal.customers.models import Customer
from billhook.portal.invoices import listing
from billhook.portal.invoices.list_form import FilterForm
from billhook.portal.invoices.listing import Balance, Show, Wish
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.standing import Standing, standing_of

PER_PAGE: Final = 25
_LABELS: Final = {
    "number": "Number",
    "customer": "Customer",
    "date": "Date",
    "due": "Due",
    "amount": "Amount",
    "open": "Open",
}
_NUMBERS: Final = {"amount", "open"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One invoice of the list."""

    invoice: Invoice
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading that sorts: what a click on it asks for, and how the list is sorted now."""

    label: str
    sort: str
    aria_sort: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One choice of what the list shows, and how many there are."""

    label: str
    show: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceList:
    """The whole list page."""

    title: str
    form: FilterForm
    wish: Wish
    balances: list[Balance]
    chips: list[Chip]
    columns: list[Column]
    rows: list[Row]
    page: Page[Invoice]
    has_customers: bool
    hidden: int
    """How many invoices the filters hide."""


def list_of(
    theirs: QuerySet[Invoice], of_customers: Sequence[Customer], query: QueryDict, *, today: date
) -> InvoiceList:
    """Return the list of *theirs*, which are of those customers, as *query* asks for it."""
    form = FilterForm(query, customers=of_customers, currencies=_currencies(theirs))
    wish = form.wish()
    counts = listing.counts(listing.filtered(theirs, wish), today=today)
    page = Paginator(listing.narrow(theirs, wish, today=today), PER_PAGE).get_page(
        query.get("page")
    )
    return InvoiceList(
        title=_title(of_customers, wish),
        form=form,
        wish=wish,
        balances=listing.balances(_of_customer(theirs, wish), today=today),
        chips=[_chip(show, counts[show], wish) for show in Show],
        columns=[_column(key, wish) for key in _columns(of_customers)],
        rows=[Row(invoice=row, standing=standing_of(row, today=today)) for row in page],
        page=page,
        has_customers=len(of_customers) > 1,
        hidden=theirs.count() - page.paginator.count if wish.is_narrow else 0,
    )


def _currencies(theirs: QuerySet[Invoice]) -> list[str]:
    return list(theirs.order_by("currency").values_list("currency", flat=True).distinct())


def _of_customer(theirs: QuerySet[Invoice], wish: Wish) -> QuerySet[Invoice]:
    return listing.filtered(theirs, Wish(customer_id=wish.customer_id))


def _title(of_customers: Sequence[Customer], wish: Wish) -> str:
    chosen = [row.name for row in of_customers if wish.customer_id in {"", row.id}]
    return chosen[0] if len(chosen) == 1 else "All customers"


def _columns(of_customers: Sequence[Customer]) -> list[str]:
    return [key for key in _LABELS if key != "customer" or len(of_customers) > 1]


def _chip(show: Show, count: int, wish: Wish) -> Chip:
    value = "" if show is Show.ALL else show.value
    return Chip(
        label=show.value.capitalize(), show=value, count=count, is_current=show is wish.show
    )


def _column(key: str, wish: Wish) -> Column:
    is_current = wish.sort == key
    descends_next = not wish.is_descending if is_current else key not in {"number", "customer"}
    aria_sort = ("descending" if wish.is_descending else "ascending") if is_current else ""
    return Column(
        label=_LABELS[key],
        sort=f"-{key}" if descends_next else key,
        aria_sort=aria_sort,
        is_number=key in _NUMBERS,
    )
