"""Every query of the lists finds its rows by an index: each filter, each order, each site.

A database with few rows would read whole tables. So SQLite gets the statistics of a million
invoices; PostgreSQL believes no others than its own: it gets some rows, and avoids whole tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.customers.access import (
    customers_changed,
    customers_for_contact,
    customers_for_member,
)
from billhook.portal.customers.models import Contact
from billhook.portal.customers.services import create_customers, invite_contact
from billhook.portal.invoices.access import (
    invoices_by_customer,
    invoices_changed,
    invoices_for_member,
    listed_invoices_for_contact,
    newest_invoices,
)
from billhook.portal.invoices.list_page import ListedInvoices, all_of, list_of
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.invoices.services import save_invoices
from billhook.portal.paging.cursor import cursor_at
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import page_of
from portal.cast import Cast, invoice, signed_in

TODAY = timezone.localdate()
ROWS = {
    "invoices_invoice": 1_000_000,
    "customers_customer": 100_000,
    "customers_contact": 100_000,
    "runs_run": 500_000,
    "accounts_user": 100_000,
}
BIG = "|".join(ROWS)
ROWS_FOR = {  # rows of a million with the same value, by column
    "organisation_id": 1_000_000,
    "currency": 250_000,
    "type": 1_000_000,
    "status": 200_000,
    "issued_on": 550,
    "due_on": 550,
    "customer_id": 10,
    "amount": 2,
    "open_amount": 5,
    "user_id": 1,
}
SORTS = ("number", "customer", "date", "due", "amount", "open")
FILTERS = [
    "",
    "show=open",
    "show=overdue",
    "show=paid",
    "currency=EUR",
    "issued_from=2020-01-01&issued_to=2020-12-31",
    "show=open&currency=EUR&issued_from=2020-01-01",
    "q=INV",
    "q=acme",
    "q=1240",
    "q=nothing-like-it",
    "page=last",
]


@pytest.fixture
def big(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cast]:
    """The cast, in a database that believes to be big."""
    for name, number in {"list_page.MOST_IN_SHORT_LIST": 3, "list_page._FEW": 0}.items():
        monkeypatch.setattr(f"billhook.portal.invoices.{name}", number)
    create_customers(organisation=cast.harper, names={f"N-{at}": f"Name {at}" for at in range(60)})
    invoice(cast.acme, "INV-90", currency="USD")
    invite_contact(customer=cast.bolt, email=cast.carla.user.email)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            some_rows(cast)
            cursor.execute("ANALYZE")
            cursor.execute("SET LOCAL enable_seqscan = off")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("SELECT tbl, idx FROM sqlite_stat1 WHERE idx IS NOT NULL")
            for table, index in cursor.fetchall():
                if re.fullmatch(BIG, table):
                    statistics = many_rows(ROWS[table], index)
                    cursor.execute(
                        "UPDATE sqlite_stat1 SET stat = %s WHERE idx = %s", [statistics, index]
                    )
            cursor.execute("ANALYZE sqlite_schema")
    yield cast
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sqlite_stat1")
            cursor.execute("ANALYZE sqlite_schema")


def some_rows(cast: Cast) -> None:
    """Make enough people and invoices for PostgreSQL to prefer the right one of two indexes."""
    names = {f"S-{at}": f"Some {at}" for at in range(1_000)}
    _, customers = create_customers(organisation=cast.harper, names=names)
    people = User.objects.bulk_create(User(email=f"{at}@some.example") for at in range(1_000))
    Contact.objects.bulk_create(
        Contact(customer=customer, user=user)
        for customer, user in zip(customers, people, strict=True)
    )
    rows = [
        Invoice(
            organisation=cast.harper,
            customer=customers[at % len(customers)],
            number=f"INV-S{at}",
            issued_on=TODAY - timedelta(days=at % 1_000),
            due_on=TODAY - timedelta(days=at % 1_000 - 30),
            amount=at,
            open_amount=at if at % 5 == 0 else 0,
            currency=("EUR", "USD")[at % 2],
            status=Status.OPEN if at % 5 == 0 else Status.PAID,
        )
        for at in range(5_000)
    ]
    save_invoices(invoices=rows)


def many_rows(same: int, index: str) -> str:
    """Return the statistics of *index* as they are with so many rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA index_info({index})")
        columns = [row[2] for row in cursor.fetchall()]
    numbers = [same]
    for column in columns:
        same = max(1, min(same, ROWS_FOR.get(column, 1)))
        numbers.append(same)
    return " ".join(map(str, numbers))


def whole_tables(work: Callable[[], object]) -> list[str]:
    """Return the steps in the plans of what *work* asks that read a big table as a whole."""
    with CaptureQueriesContext(connection) as captured:
        work()
    statements = [each["sql"] for each in captured.captured_queries]
    return [
        f"{step} in {statement}"
        for statement in statements
        if statement.startswith(("SELECT", "WITH"))
        for step in steps_over_whole_tables(statement)
    ]


def steps_over_whole_tables(statement: str) -> list[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement.replace('%', '%%')}")
            steps = [row[3] for row in cursor.fetchall()]
            return [step for step in steps if re.match(rf"SCAN ({BIG}|U\d)\b", step)]
        cursor.execute(f"EXPLAIN {statement.replace('%', '%%')}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    nodes = re.split(r"\n(?=\s*->)", plan)
    scans = [node for node in nodes if re.search(rf"(Seq|Index|Only) Scan .*on ({BIG})", node)]
    return [node for node in scans if "Index Cond:" not in node]


def test_the_lists_of_invoices_read_no_big_table_as_a_whole(big: Cast) -> None:
    found = []
    for at, (query, sort) in enumerate(product(FILTERS, SORTS)):
        asked = QueryDict(f"sort={'-' if at % 2 else ''}{sort}&{query}")
        for listed in lists(big):
            found += whole_tables(lambda: list_of(listed, asked, today=TODAY))  # noqa: B023
            found += whole_tables(all_of(listed, asked, today=TODAY)[:1].exists)
    assert not found, "\n".join(dict.fromkeys(found))


def lists(big: Cast) -> list[ListedInvoices]:
    """Return the list of a member, of a contact of one customer, and of one of two customers."""
    of_contacts = [
        ListedInvoices(
            invoices=listed_invoices_for_contact(contact.user),
            customers=customers_for_contact(contact.user),
        )
        for contact in (big.carl, big.carla)
    ]
    of_member = ListedInvoices(
        invoices=invoices_for_member(big.vera),
        customers=customers_for_member(big.vera),
        by_customer=invoices_by_customer(big.vera),
    )
    return [of_member, *of_contacts]


def test_the_other_pages_of_invoices_and_customers_read_no_big_table_as_a_whole(big: Cast) -> None:
    browser, at = signed_in(big.bob), f"/backoffice/{big.harper.id}"
    pages = (
        "/customers?page=last",
        "/customers?q=name",
        "/customers?q=na",
        "/customers/search?q=name",
        f"/customers/{big.acme.id}",
        f"/customers/{big.acme.id}/remove",
        f"/invoices/{big.open.id}/edit",
        "/invoices/new",
        f"/invoices?customer={big.acme.id}&show=open",
    )
    found = [step for page in pages for step in whole_tables(lambda: browser.get(at + page))]  # noqa: B023
    found += whole_tables(lambda: signed_in(big.carl).get("/"))
    assert not found, "\n".join(found)


def test_the_newest_invoices_are_read_in_order_and_no_others(big: Cast) -> None:
    assert not sorts(lambda: newest_invoices(big.vera, most=20))


def test_changes_are_read_in_order_and_no_others(big: Cast) -> None:
    """A million rows that changed before, and a cursor far in, cost nothing."""
    order = Order(name="changed", fields=("changed_at", "id"))
    since = timezone.now() - timedelta(minutes=5)
    for changed, row in ((invoices_changed, big.open), (customers_changed, big.acme)):
        rows = changed(big.vera, since, timezone.now())
        for address in ("", cursor_at(row, order, is_before=False)):
            read = lambda: page_of(rows, order, address, size=20)  # noqa: B023, E731
            assert read().rows
            assert not sorts(read)
            assert not whole_tables(read)


def sorts(work: Callable[[], object]) -> list[str]:
    """Return the steps in the plans of what *work* asks that sort rows."""
    with CaptureQueriesContext(connection) as captured:
        work()
    asked = [each["sql"] for each in captured.captured_queries]
    assert asked
    plans = []
    with connection.cursor() as cursor:
        for statement in asked:
            how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
            cursor.execute(f"{how} {statement.replace('%', '%%')}")
            plans += [str(row[-1]) for row in cursor.fetchall()]
    return [step for step in plans if re.search(r"TEMP B-TREE|^\s*(-> )?\s*Sort\b", step)]
