"""A sync brings customers, contacts and invoices, and what changes at the source changes here."""

from __future__ import annotations

from decimal import Decimal

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.invoices.access import invoices_for_contact, invoices_for_member
from billhook.portal.invoices.models import Hidden, Invoice, InvoiceType, Status
from billhook.portal.mail.models import OutgoingMail
from billhook.portal.sync.models import SyncSource, SyncState
from portal.cast import Cast, signed_in
from portal.sync.billing import Billing
from portal.sync.syncing import ours, reasons, synced


def test_a_first_sync_brings_everything_and_sends_no_mail(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.contact("p1", "1", "Dana@Acme.example ", name="Dana")
    first = billing.add(po="PO-1", link="https://pay.example/1")
    billing.add(kind="credit", total="-20.00", open="-5.00", status="open")
    run = synced(source)
    assert reasons() == []
    assert (run.state, run.rows, run.is_first) == (SyncState.DONE, 4, True)
    one, note = ours(source)
    assert (one.source_id, one.amount, one.open_amount) == (first, Decimal(100), Decimal(100))
    assert (one.po_number, one.link, one.status) == ("PO-1", "https://pay.example/1", Status.OPEN)
    assert (note.type, note.amount, note.open_amount) == (InvoiceType.CREDIT_NOTE, 20, 5)
    customer = Customer.objects.get(integration=source.integration_id)
    assert (customer.name, customer.number, customer.source_id) == ("Acme Ltd", "C-1", "1")
    [contact] = Contact.objects.filter(customer=customer).select_related("user")
    assert (contact.user.email, contact.user.name) == ("dana@acme.example", "Dana")
    assert list(invoices_for_contact(contact.user).order_by("number")) == [one, note]
    assert not OutgoingMail.objects.exists()
    assert source.good_at == run.started_at


def test_a_second_sync_asks_for_changes_and_writes_only_those(
    billing: Billing, source: SyncSource
) -> None:
    ids = [billing.add() for _ in range(3)]
    synced(source)
    before = {row.id: row.changed_at for row in ours(source)}
    billing.tick(3600)
    billing.pay(ids[1])
    run = synced(source)
    assert "since=2026-" in [each for each in billing.requests if "/invoices" in each][-1]
    after = ours(source)
    assert [row.status for row in after] == ["open", "paid", "open"]
    assert [row.changed_at != before[row.id] for row in after] == [False, True, False]
    assert run.counts["ListInvoices"]["fields"] == {"open amount": 1, "status": 1}


def test_an_older_version_of_a_row_changes_nothing(billing: Billing, source: SyncSource) -> None:
    id_ = billing.add()
    billing.pay(id_)
    synced(source)
    billing.invoices[id_] |= {"open": "100.00", "status": "open", "changed": "2026-01-01T00:00:00Z"}
    synced(source, full=True)
    assert [row.status for row in ours(source)] == [Status.PAID]


def test_a_row_without_a_known_customer_waits_until_the_customer_is_known(
    billing: Billing, source: SyncSource
) -> None:
    billing.add(customer="7")
    billing.add(customer="")
    synced(source)
    assert ours(source) == []
    assert source.waiting.count() == 2
    billing.customer("7", "Late Ltd")
    synced(source, full=True)
    [row] = ours(source)
    assert row.customer.name == "Late Ltd"
    assert source.waiting.count() == 1


def test_what_the_whole_list_no_longer_has_is_hidden_and_returns_when_listed_again(
    billing: Billing, source: SyncSource
) -> None:
    ids = [billing.add() for _ in range(9)]
    synced(source)
    gone = billing.invoices.pop(ids[4])
    billing.tick(3600)
    synced(source)
    assert not Invoice.objects.filter(hidden_at__isnull=False).exists()  # not by changes alone
    synced(source, full=True)
    [row] = Invoice.objects.filter(hidden_at__isnull=False)
    assert (row.source_id, row.hidden_because) == (ids[4], Hidden.ABSENT)
    billing.invoices[ids[4]] = gone
    synced(source, full=True)
    row.refresh_from_db()
    assert (row.hidden_at, row.hidden_because) == (None, "")


def test_a_removed_status_hides_and_a_void_one_stays(billing: Billing, source: SyncSource) -> None:
    removed, void, draft = billing.add(), billing.add(), billing.add(status="draft")
    synced(source)
    billing.change(removed, status="removed")
    billing.change(void, status="void", open="0.00")
    synced(source)
    found = {row.source_id: row for row in ours(source)}
    assert found[removed].hidden_because == Hidden.REMOVED
    assert (found[void].status, found[void].hidden_at) == (Status.VOID, None)
    assert found[draft].status == Status.DRAFT


def test_two_ids_with_one_number_are_two_invoices_and_a_remark(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.add(number="INV-X")
    billing.add(number="INV-X")
    billing.add(number="INV-1")  # as one that was typed here
    synced(source)
    assert len(ours(source)) == 3
    assert invoices_for_member(cast.alice).filter(number="INV-1").count() == 2
    assert "same-number" in synced(source, full=True).reasons


def test_customers_and_invoices_that_were_imported_are_taken_over_by_number_if_a_member_says_so(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.add(number="INV-1", total="1240.00", open="0.00", status="paid")
    synced(source, takes_over=True)
    cast.open.refresh_from_db()
    assert (cast.open.status, cast.open.integration_id) == ("paid", source.integration_id)
    cast.acme.refresh_from_db()
    assert (cast.acme.source_id, cast.acme.name) == ("1", "Acme Ltd")


def test_the_list_of_invoices_leads_to_those_that_are_unassigned_or_hidden(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    address = f"/backoffice/{cast.harper.id}/invoices"
    ids = [billing.add() for _ in range(12)]
    synced(source)
    assert "Not in this list" not in signed_in(cast.vera).get(address).content.decode()
    billing.add(customer="unknown")
    billing.change(ids[0], status="removed")
    synced(source)
    page = signed_in(cast.vera).get(address).content.decode()
    assert f'<a href="{address}/unassigned">1 unassigned</a>' in page
    assert f'<a href="{address}/hidden">1 hidden</a>' in page
    assert "Not in this list" not in (
        signed_in(cast.charlie).get(f"/backoffice/{cast.northwind.id}/invoices").content.decode()
    )
