"""Filters, counts, sums and orders of a list agree with the invoices, read one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.http import QueryDict

from billhook.portal.customers.access import customers_for_contact, customers_for_member
from billhook.portal.invoices.access import invoices_for_member, listed_invoices_for_contact
from billhook.portal.invoices.filters import Balance, Show, balances, counts, currencies_of
from billhook.portal.invoices.list_page import ListedInvoices, list_of
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.services import save_invoices
from billhook.portal.invoices.shown_status import ShownStatus, settled_status_of, shown_status_of
from portal.cast import Cast, invoice
from portal.invoices.test_kept_sums import TODAY, any_invoice


@pytest.fixture(params=["member", "contact"])
def listed(request: pytest.FixtureRequest, cast: Cast) -> ListedInvoices:
    """The list of a member, or of a contact of one customer, with 200 invoices of every kind."""
    choose = random.Random(1)
    invoice(cast.bolt, "LATE-1", due_in=-5)
    save_invoices(invoices=[any_invoice(cast, choose) for _ in range(200)])
    if request.param == "contact":
        return ListedInvoices(
            invoices=listed_invoices_for_contact(cast.carl.user),
            customers=customers_for_contact(cast.carl.user),
        )
    return ListedInvoices(
        invoices=invoices_for_member(cast.vera), customers=customers_for_member(cast.vera)
    )


def is_shown(row: Invoice, show: Show) -> bool:
    match show:
        case Show.ALL:
            return True
        case Show.OPEN:
            return settled_status_of(row) is None
        case Show.OVERDUE:
            return shown_status_of(row, today=TODAY) is ShownStatus.OVERDUE
        case Show.PAID:
            return shown_status_of(row, today=TODAY) is ShownStatus.PAID


def balance(rows: list[Invoice], currency: str) -> Balance:
    ours = [row for row in rows if row.currency == currency]
    unsettled = [row for row in ours if row.status in {Status.OPEN, Status.PART_PAID}]
    return Balance(
        currency=currency,
        open_amount=sum((row.open_amount for row in ours if is_shown(row, Show.OPEN)), Decimal(0)),
        overdue_amount=sum(
            (row.open_amount for row in ours if is_shown(row, Show.OVERDUE)), Decimal(0)
        ),
        credit_amount=sum(
            (
                abs(row.open_amount)
                for row in unsettled
                if row.type == "credit_note" or row.open_amount < 0
            ),
            Decimal(0),
        ),
    )


@pytest.mark.parametrize("most_at_once", [3, 3_000], ids=["each-choice", "all-choices-at-once"])
def test_counts_are_those_of_the_rows(listed: ListedInvoices, most_at_once: int) -> None:
    rows = list(listed.invoices)
    found = counts(listed.invoices, today=TODAY, most_at_once=most_at_once)
    expected = {show: sum(is_shown(row, show) for row in rows) for show in Show}
    assert {show: count.number for show, count in found.items()} == expected
    assert all(expected.values())


def test_balances_and_currencies_are_those_of_the_rows(listed: ListedInvoices) -> None:
    rows = list(listed.invoices)
    currencies = sorted({row.currency for row in rows})
    assert balances(listed.invoices, today=TODAY) == [balance(rows, each) for each in currencies]
    for are_of_contact in (True, False):
        assert currencies_of(listed.invoices, are_of_contact=are_of_contact) == currencies


def open_amount(row: Invoice) -> Any:
    return (row.open_amount, row.number, row.id)


def customer(row: Invoice) -> Any:
    return (row.customer.name, row.customer_id, row.number, row.id)


@pytest.mark.parametrize(("sort", "key"), [("open", open_amount), ("customer", customer)])
def test_a_list_has_its_rows_in_order(
    listed: ListedInvoices, monkeypatch: pytest.MonkeyPatch, sort: str, key: Callable[..., Any]
) -> None:
    monkeypatch.setattr("billhook.portal.invoices.list_page._FEW", 0)
    monkeypatch.setattr("billhook.portal.invoices.list_page.PER_PAGE", 300)
    for show, sign in product(Show, ("", "-")):
        page = list_of(listed, QueryDict(f"show={show}&sort={sign}{sort}"), today=TODAY)
        wanted = [row for row in listed.invoices if is_shown(row, show)]
        wanted.sort(key=key, reverse=sign == "-")
        assert [row.invoice.id for row in page.rows] == [row.id for row in wanted]


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ("777.125", ["ODD-1"]),
        ("777.1250", ["ODD-1"]),
        ("777.1251", []),
        ("999999999999.9999", []),
        ("1e999999999", []),
        ("-1e999999999", []),
        ("1e-999999999", []),
        ("0e-999999999", []),
        ("0e999999999", []),
        ("NaN", []),
    ],
)
def test_an_amount_finds_the_invoices_that_have_it(
    cast: Cast, search: str, numbers: list[str]
) -> None:
    invoice(cast.acme, "ODD-1", amount="777.125", currency="KWD")
    theirs = ListedInvoices(
        invoices=invoices_for_member(cast.vera), customers=customers_for_member(cast.vera)
    )
    found = list_of(theirs, QueryDict(f"q={search}"), today=TODAY)
    assert [row.invoice.number for row in found.rows] == numbers
