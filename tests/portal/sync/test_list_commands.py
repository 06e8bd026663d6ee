"""Lists of credit notes, removed invoices and single customers, and further passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from billhook.portal.customers.models import Contact
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Hidden, InvoiceType, Status
from billhook.portal.sync import work as sync_work
from billhook.portal.sync.models import SyncSource
from billhook.portal.sync.services import sync_of
from portal.sync import billing as books
from portal.sync.billing import CONTACTS, CUSTOMERS, INVOICES, Billing
from portal.sync.syncing import ours, synced

HEAD = """
url = "{{BaseUrl}}/PATH"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.rows[*]" }
pages = { kind = "number", param = "page", size = 100, total = { json = "$.total" } }
limits = { rate = "6000/minute" }
"""
REMOVED = f"""
[commands.ListRemovedInvoices]
{HEAD.replace("PATH", "removed")}
[commands.ListRemovedInvoices.map]
id = "$.id"
"""
GONE = '"$.rows[*]", removed_when = [{ json = "$.gone", equals = true }] }'
CREDIT_NOTES = f"""
[commands.ListCreditNotes]
{HEAD.replace("PATH", "credits").replace('"$.rows[*]" }', GONE)}
{INVOICES.split(chr(10) * 2)[1].replace("ListInvoices", "ListCreditNotes").replace("MORE", "")}
status = "from-amounts"
"""
EACH_CONTACT = CONTACTS.replace(
    'url = "{{BaseUrl}}/contacts"', 'url = "{{BaseUrl}}/contacts?of={{CustomerId}}"'
).replace("[commands.ListContacts.map]", 'for_each = "customer"\n\n[commands.ListContacts.map]')
PASS = """
[[commands.ListInvoices.passes]]
name = "Again"
WHEN
url = "{{BaseUrl}}/invoices?again=1"
changes = { kind = "none" }
"""

Connect = Callable[..., Integration]


def listing(connect: Connect, *more: str) -> SyncSource:
    """Return the sync of a source that lists customers, invoices and *more*."""
    return sync_of(connect(lists=CUSTOMERS + "".join(more)))


def pay_silently(billing: Billing, id_: str) -> None:
    """Pay an invoice in a system that doesn't count that as a change."""
    billing.invoices[id_] |= {"open": "0.00", "status": "paid"}


def test_a_list_of_removed_invoices_hides_them(billing: Billing, connect: Connect) -> None:
    source = listing(connect, REMOVED)
    billing.removed = {}  # type: ignore[attr-defined]
    ids = [billing.add() for _ in range(12)]
    synced(source)
    billing.removed = {ids[0]: {"id": ids[0]}, "other": {"id": "other"}}  # type: ignore[attr-defined]
    synced(source)
    found = {row.source_id: row.hidden_because for row in ours(source)}
    assert found == {ids[0]: Hidden.REMOVED} | dict.fromkeys(ids[1:], "")


def test_a_row_that_is_marked_as_removed_hides_its_invoice(
    billing: Billing, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = books.INVOICES.replace('"$.rows[*]" }', GONE)
    monkeypatch.setattr(books, "INVOICES", marked)
    source = listing(connect)
    gone, stays = billing.add(), billing.add()
    synced(source)
    billing.change(gone, gone=True)
    run = synced(source)
    assert run.reasons == {}
    assert {row.source_id: row.hidden_because for row in ours(source)} == {
        gone: Hidden.REMOVED,
        stays: "",
    }
    billing.change(gone, gone=False)
    synced(source)
    assert not any(row.hidden_at for row in ours(source))


def test_a_list_of_credit_notes_gives_credit_notes_and_leaves_invoices_of_the_same_id(
    billing: Billing, connect: Connect
) -> None:
    source = listing(connect, CREDIT_NOTES)
    id_ = billing.add()
    billing.credits = {id_: billing.invoices[id_] | {"number": "CN-1", "kind": "credit"}}  # type: ignore[attr-defined]
    run = synced(source)
    assert {(row.number, row.type) for row in ours(source)} == {
        (f"INV-{id_}", InvoiceType.INVOICE),
        ("CN-1", InvoiceType.CREDIT_NOTE),
    }
    assert run.counts["ListCreditNotes"]["effects"]["new"] == 1
    billing.credits[id_] |= {"gone": True, "changed": billing.tick()}  # type: ignore[attr-defined]
    synced(source)
    assert {row.number: row.hidden_because for row in ours(source)} == {
        f"INV-{id_}": "",
        "CN-1": Hidden.REMOVED,
    }


def test_contacts_are_asked_for_customer_by_customer(billing: Billing, connect: Connect) -> None:
    source = listing(connect, EACH_CONTACT)
    billing.customer("2", "Bolt Ltd")
    billing.contact("p1", "1", "ann@acme.example")
    rows = billing.answer

    def of_one_customer(target: str) -> Any:
        status, headers, body = rows(target)
        if "of=" in target:
            wanted = target.partition("of=")[2].partition("&")[0]
            body = {"rows": [row for row in body["rows"] if row["customer"] == wanted], "total": 0}
            body["total"] = len(body["rows"])
        return status, headers, body

    billing.answer = of_one_customer  # type: ignore[method-assign]
    synced(source)
    asked = [each for each in billing.requests if each.startswith("/contacts")]
    assert len({each.partition("of=")[2][:1] for each in asked}) == 2
    contacts = Contact.objects.filter(customer__integration=source.integration_id)
    assert [(each.user.email, each.customer.name) for each in contacts] == [
        ("ann@acme.example", "Acme Ltd")
    ]


def test_a_pass_for_full_runs_takes_the_place_of_the_own_request(
    billing: Billing, connect: Connect
) -> None:
    source = listing(connect, PASS.replace("WHEN", "full_run = true"))
    id_ = billing.add()
    billing.tick(86_400)
    billing.add(open="0.00", status="paid")  # changes are asked for from here on
    synced(source)
    pay_silently(billing, id_)
    billing.requests.clear()
    synced(source)
    assert not any("again" in each for each in billing.requests)
    assert [row.status for row in ours(source)] == [Status.OPEN, Status.PAID]
    synced(source, full=True)
    assert any("again" in each for each in billing.requests)
    assert [row.status for row in ours(source)] == [Status.PAID, Status.PAID]


def test_a_pass_runs_again_when_its_time_has_come(
    billing: Billing, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = listing(connect, PASS.replace("WHEN", 'every = "1 hour"'))
    id_ = billing.add()
    synced(source)
    synced(source)
    pay_silently(billing, id_)
    billing.requests.clear()
    synced(source)
    assert not any("again" in each for each in billing.requests)
    later = SimpleNamespace(now=lambda: timezone.now() + timedelta(hours=2))
    monkeypatch.setattr(sync_work, "timezone", later)
    synced(source)
    assert any("again" in each for each in billing.requests)
    assert [row.status for row in ours(source)] == [Status.PAID]
