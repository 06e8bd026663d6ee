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
from billhook.portal.invoices import filters
from billhook.portal.invoices.filters import Balance, InvoiceFilter, Show
from billhook.portal.invoices.list_form import FilterForm
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.shown_status import ShownStatus, shown_status_of

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
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceList:
    """The whole list page."""

    title: str
    form: FilterForm
    criteria: InvoiceFilter
    balances: list[Balance]
    chips: list[Chip]
    columns: list[SortColumn]
    rows: list[InvoiceRow]
    page: Page[Invoice]
    has_customers: bool
    hidden: int
    """The number of invoices that the filters hide."""


def list_of(
    theirs: QuerySet[Invoice], of_customers: Sequence[Customer], query: QueryDict, *, today: date
) -> InvoiceList:
    """Return the list of *theirs*, invoices of those customers, filtered by *query*."""
    form = FilterForm(query, customers=of_customers, currencies=_currencies(theirs))
    criteria = form.criteria()
    counts = filters.counts(filters.filtered(theirs, criteria), today=today)
    page = Paginator(filters.narrow(theirs, criteria, today=today), PER_PAGE).get_page(
        query.get("page")
    )
    return InvoiceList(
        title=_title(of_customers, criteria),
        form=form,
        criteria=criteria,
        balances=filters.balances(_of_customer(theirs, criteria), today=today),
        chips=[_chip(show, counts[show], criteria) for show in Show],
        columns=[_column(key, criteria) for key in _columns(of_customers)],
        rows=[InvoiceRow(invoice=row, status=shown_status_of(row, today=today)) for row in page],
        page=page,
        has_customers=len(of_customers) > 1,
        hidden=theirs.count() - page.paginator.count if criteria.is_narrow else 0,
    )


def _currencies(theirs: QuerySet[Invoice]) -> list[str]:
    return list(theirs.order_by("currency").values_list("currency", flat=True).distinct())


def _of_customer(theirs: QuerySet[Invoice], criteria: InvoiceFilter) -> QuerySet[Invoice]:
    return filters.filtered(theirs, InvoiceFilter(customer_id=criteria.customer_id))


def _title(of_customers: Sequence[Customer], criteria: InvoiceFilter) -> str:
    chosen = [row.name for row in of_customers if criteria.customer_id in {"", row.id}]
    return chosen[0] if len(chosen) == 1 else "All customers"


def _columns(of_customers: Sequence[Customer]) -> list[str]:
    return [key for key in _LABELS if key != "customer" or len(of_customers) > 1]


def _chip(show: Show, count: int, criteria: InvoiceFilter) -> Chip:
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
