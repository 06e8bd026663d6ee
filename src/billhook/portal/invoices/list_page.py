"""The page that lists invoices: filters, chips, headings, rows and balances, for both sites."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from django.db.models import Q, QuerySet
from django.http import QueryDict

from billhook.portal.customers.models import Customer
from billhook.portal.invoices import filters
from billhook.portal.invoices.access import found_first
from billhook.portal.invoices.filters import InvoiceFilter, Show, currencies_of
from billhook.portal.invoices.list_form import FilterForm
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.search import SearchedInvoices, searched
from billhook.portal.invoices.shown_status import ShownStatus, shown_status_of
from billhook.portal.paging.count import MOST_COUNTED, Count, count_up_to
from billhook.portal.paging.page import ListPage, page_of

PER_PAGE: Final = 25
_FEW: Final = 3_000
MOST_IN_SHORT_LIST: Final = 10_000
"""Invoices up to which a search finds any part of a number; in longer lists, its beginning."""
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
class InvoiceRow:
    """One invoice of the list."""

    invoice: Invoice
    status: ShownStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SortColumn:
    """A heading that sorts: the order that a click on it requests, and the current one."""

    label: str
    sort: str
    aria_sort: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One choice of the invoices to show, and their number."""

    label: str
    show: str
    count: Count
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceList:
    """The whole list page."""

    title: str
    form: FilterForm
    criteria: InvoiceFilter
    chips: list[Chip]
    columns: list[SortColumn]
    rows: list[InvoiceRow]
    page: ListPage[Invoice]
    count: Count
    has_customers: bool
    has_other_filters: bool
    note: str
    """A sentence about a search that is too wide."""
    hidden: Count
    """The number of invoices that there are without the filters, if the filters hide all."""


@dataclass(frozen=True, kw_only=True)
class ListedInvoices:
    """The invoices that somebody may see, and the customers whose they are.

    *address* answers searches for a customer, where a script may ask.
    """

    invoices: QuerySet[Invoice]
    customers: QuerySet[Customer]
    address: str = ""
    by_customer: QuerySet[Invoice] | None = None
    """The same invoices for the order by customer, if they are those of a whole organisation."""

    @cached_property
    def first_customers(self) -> list[Customer]:
        """The first two customers: there are several, one, or none."""
        return list(self.customers[:2])

    @property
    def has_customers(self) -> bool:
        """Whether the invoices are of several customers."""
        return len(self.first_customers) > 1

    def are_of_one(self, criteria: InvoiceFilter) -> bool:
        """Return whether those that match *criteria* are of one customer."""
        return bool(criteria.customer_id) or not self.has_customers

    def form(self, query: QueryDict) -> FilterForm:
        """Return the filters in *query*."""
        return FilterForm(
            query,
            customers=self.customers if self.has_customers else None,
            currencies=currencies_of(self.invoices, are_of_contact=self.by_customer is None),
            address=self.address,
        )

    def matches(self, criteria: InvoiceFilter) -> SearchedInvoices:
        """Return the condition of the search in *criteria*."""
        if not criteria.search:
            return SearchedInvoices(condition=Q())
        within = self.invoices.filter(filters.condition_of(criteria))
        are_few = not count_up_to(self.invoices, MOST_IN_SHORT_LIST).is_more
        return searched(within, self.customers, criteria.search, are_few=are_few)


def list_of(listed: ListedInvoices, query: QueryDict, *, today: date) -> InvoiceList:
    """Return the page of *listed* that *query* names: filters, order and place."""
    form = listed.form(query)
    criteria = form.criteria()
    found = listed.matches(criteria)
    condition = found.condition & filters.condition_of(criteria)
    counts = filters.counts(
        listed.invoices.filter(condition),
        today=today,
        exactly={criteria.show},
        most_at_once=MOST_COUNTED if criteria.search else filters.MOST_ON_CHIP,
    )
    condition &= filters.shown(criteria.show, today=today)
    rows = _rows(listed, condition, counts[criteria.show], criteria)
    order = filters.order_of(criteria, are_of_one=listed.are_of_one(criteria))
    page = page_of(rows, order, query.get("page", ""), size=PER_PAGE)
    is_hidden = criteria.is_narrow and not page.rows
    return InvoiceList(
        title=_title(listed, form.customer),
        form=form,
        criteria=criteria,
        chips=[_chip(show, counts[show], criteria) for show in Show],
        columns=[_column(key, criteria) for key in _columns(listed)],
        rows=[
            InvoiceRow(invoice=row, status=shown_status_of(row, today=today)) for row in page.rows
        ],
        page=page,
        count=counts[criteria.show],
        has_customers=listed.has_customers,
        has_other_filters=bool(form.errors) or criteria.has_other_filters,
        note=found.note,
        hidden=count_up_to(listed.invoices) if is_hidden else Count(0),
    )


def _rows(
    listed: ListedInvoices, condition: Q, count: Count, criteria: InvoiceFilter
) -> QuerySet[Invoice]:
    """Return the matching rows, as a query for which a database chooses the right index.

    A few are found by their filters, and then sorted. Many are read in the order of the list,
    until a page is full; by customer, that means customer by customer.
    """
    if count.number <= _FEW and not count.is_more:
        return found_first(listed.invoices.filter(condition), most=_FEW)
    if criteria.sort == "customer" and listed.by_customer is not None:
        return listed.by_customer.filter(condition)
    return listed.invoices.filter(condition)


def all_of(listed: ListedInvoices, query: QueryDict, *, today: date) -> QuerySet[Invoice]:
    """Return the invoices on all pages of the list that *query* names, in its order."""
    criteria = listed.form(query).criteria()
    condition = listed.matches(criteria).condition & filters.condition_of(criteria)
    condition &= filters.shown(criteria.show, today=today)
    return filters.in_order(listed.invoices.filter(condition), criteria)


def _title(listed: ListedInvoices, chosen: Customer | None) -> str:
    if chosen is None and len(listed.first_customers) == 1:
        chosen = listed.first_customers[0]
    return chosen.name if chosen else "All customers"


def _columns(listed: ListedInvoices) -> list[str]:
    return [key for key in _LABELS if key != "customer" or listed.has_customers]


def _chip(show: Show, count: Count, criteria: InvoiceFilter) -> Chip:
    value = "" if show is Show.ALL else show.value
    return Chip(
        label=show.value.capitalize(), show=value, count=count, is_current=show is criteria.show
    )


def _column(key: str, criteria: InvoiceFilter) -> SortColumn:
    is_current = criteria.sort == key
    descends_next = not criteria.is_descending if is_current else key not in {"number", "customer"}
    aria_sort = ("descending" if criteria.is_descending else "ascending") if is_current else ""
    return SortColumn(
        label=_LABELS[key],
        sort=f"-{key}" if descends_next else key,
        aria_sort=aria_sort,
        is_number=key in _NUMBERS,
    )
