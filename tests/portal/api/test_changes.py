"""A program follows the changes of invoices and customers, and misses none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billhook.portal.api.fields import rfc3339
from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import change_customers, save_customers
from billhook.portal.invoices.models import Hidden, Invoice
from billhook.portal.invoices.services import hide_invoices
from billhook.portal.paging.settled import MARGIN, settled_until
from portal.api.program import Program, places_of, problem_of, row
from portal.cast import Cast

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def settled(cast: Cast) -> None:
    """Let the cast have been as it is for long."""
    Invoice.objects.update(changed_at=LONG_AGO)
    Customer.objects.update(changed_at=LONG_AGO)


def changes(program: Program, path: str, since: datetime, *, limit: int = 200) -> list[Any]:
    """Return the changes of a list, page by page."""
    query, found = f"{path}?changed_since={quote(rfc3339(since))}&limit={limit}", []
    cursor: str | None = ""
    while cursor is not None:
        page = program.get(f"{query}&cursor={cursor}").json()
        found += page["items"]
        cursor = page["next"]
    return found


@pytest.mark.usefixtures("settled")
def test_changes_are_listed_in_their_order_page_by_page_and_from_their_own_time(
    program: Program,
) -> None:
    rows = [row(f"P-{n}", issued_on=f"2026-01-{n + 1:02}", due_on=None) for n in range(7)]
    program.post("/invoices/bulk", {"rows": rows})
    for n in range(7):  # the last two at the same time
        time = LONG_AGO + timedelta(hours=min(7 - n, 6))
        Invoice.objects.filter(number=f"P-{n}").update(changed_at=time)
    found = changes(program, "/invoices", LONG_AGO + timedelta(hours=2), limit=2)
    assert [each["number"] for each in found][:4] == ["P-5", "P-4", "P-3", "P-2"]
    assert {each["number"] for each in found[4:]} == {"P-0", "P-1"}
    again = changes(program, "/invoices", datetime.fromisoformat(found[-1]["changed_at"]))
    assert [each["id"] for each in again] == [each["id"] for each in found[4:]]
    assert len(changes(program, "/invoices", LONG_AGO)) == 12


@pytest.mark.usefixtures("settled")
def test_a_later_page_is_read_from_its_cursor_on(program: Program) -> None:
    """SQLite looks up one lower bound in an index: with the first, it would read all rows before.

    That was 0.4 seconds for a page far into a million invoices.
    """
    page = "/invoices?changed_since=2020-01-01T00:00:00Z&limit=2"
    cursor = program.get(page).json()["next"]
    with CaptureQueriesContext(connection) as queries:
        assert len(program.get(f"{page}&cursor={cursor}").json()["items"]) == 2
    asked = [query["sql"] for query in queries if "changed_at" in query["sql"]]
    assert asked
    assert not [sql for sql in asked if "2020-01-01" in sql]


@pytest.mark.usefixtures("settled")
def test_what_was_just_written_is_listed_once_nothing_earlier_can_come(
    program: Program, cast: Cast
) -> None:
    now = timezone.now()
    for age, listed in ((MARGIN / 2, 0), (MARGIN + timedelta(seconds=1), 1)):
        Invoice.objects.filter(id=cast.open.id).update(changed_at=now - age)
        assert len(changes(program, "/invoices", now - timedelta(hours=1))) == listed


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)  # within one, PostgreSQL shows no news of others
def test_changes_wait_for_a_transaction_that_writes_for_long() -> None:
    facts = connection.get_connection_params()
    names = {"dbname", "user", "password", "host", "port"}
    with psycopg.connect(**{k: v for k, v in facts.items() if k in names}) as other:
        other.execute("SELECT 1")
        assert settled_until() > timezone.now() - 2 * MARGIN  # it has written nothing
        other.execute("SELECT pg_current_xact_id()")
        began = other.execute("SELECT now()").fetchone()[0]
        assert settled_until() == began - MARGIN
        other.rollback()
        assert settled_until() > began - MARGIN


@pytest.mark.usefixtures("settled")
def test_hiding_an_invoice_is_a_change_however_long_its_sync_has_run(
    program: Program, cast: Cast
) -> None:
    hide_invoices(ids=[cast.open.id], because=Hidden.ABSENT, now=LONG_AGO)
    changed = Invoice.objects.get(id=cast.open.id).changed_at
    assert changed > timezone.now() - timedelta(minutes=1)
    Invoice.objects.filter(id=cast.open.id).update(changed_at=LONG_AGO + timedelta(hours=1))
    found = changes(program, "/invoices", LONG_AGO + timedelta(hours=1))
    assert [(each["id"], each["hidden"]) for each in found] == [(cast.open.id, "absent")]


def rename(customer: Customer, program: Program) -> None:
    program.call("PATCH", f"/customers/{customer.id}", {"name": "Renamed"})


def import_again(customer: Customer, _: Program) -> None:
    customer.name = "Renamed"
    change_customers(customers=[customer])


def sync_again(customer: Customer, _: Program) -> None:
    customer.name = "Renamed"
    save_customers(customers=[customer])


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", [rename, import_again, sync_again])
def test_every_way_to_change_a_customer_notes_the_time(
    program: Program, cast: Cast, change: Any
) -> None:
    assert len(changes(program, "/customers", LONG_AGO)) == 2
    change(Customer.objects.get(id=cast.acme.id), program)
    changed = Customer.objects.get(id=cast.acme.id).changed_at
    assert changed > timezone.now() - timedelta(minutes=1)
    Customer.objects.filter(id=cast.acme.id).update(changed_at=LONG_AGO + timedelta(hours=1))
    found = changes(program, "/customers", LONG_AGO + timedelta(hours=1))
    assert [each["name"] for each in found] == ["Renamed"]
    assert found[0]["changed_at"] == "2026-01-01T01:00:00Z"


@pytest.mark.parametrize("path", ["/invoices?number=INV-1", "/customers?search=acme"])
def test_other_filters_and_unclear_times_are_refused(program: Program, path: str) -> None:
    since = "changed_since=2026-01-01T00:00:00Z"
    for address in (f"{path}&{since}", f"{path.partition('?')[0]}?changed_since=2026-01-01"):
        response = program.get(address)
        assert (problem_of(response), places_of(response)) == ((422, "invalid"), ["changed_since"])


def test_a_cursor_of_one_order_is_none_of_the_other(program: Program, cast: Cast) -> None:
    cursor = program.get("/invoices?limit=1").json()["next"]
    changed = f"/invoices?changed_since=2020-01-01T00:00:00Z&cursor={cursor}"
    assert problem_of(program.get(changed)) == (400, "bad-cursor")


def test_changes_of_another_organisation_are_not_listed(
    program: Program, strange_program: Program, settled: None
) -> None:
    for path in ("/invoices", "/customers"):
        ours = {each["id"] for each in changes(program, path, LONG_AGO)}
        theirs = {each["id"] for each in changes(strange_program, path, LONG_AGO)}
        assert ours
        assert theirs
        assert not ours & theirs
