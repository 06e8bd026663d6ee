"""Invoices of both sites with the facts that a sync brings: types, statuses, links, hidden ones."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.imports.invoices.plan import facts_of
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.access import (
    hidden_invoices,
    invoice_for_member,
    invoices_for_contact,
    invoices_for_member,
)
from billhook.portal.invoices.csv_export import export_invoices
from billhook.portal.invoices.filters import balances
from billhook.portal.invoices.models import Hidden, Invoice, InvoiceType, Status
from billhook.portal.invoices.plain_pdf import draw_plain_invoice, plain_invoice
from billhook.portal.invoices.services import (
    check_facts,
    hide_invoices,
    save_invoice,
    save_invoices,
)
from billhook.portal.invoices.shown_status import ShownStatus, shown_status_of
from portal.cast import Cast, invoice, signed_in


@pytest.fixture
def billing(cast: Cast) -> Integration:
    return Integration.objects.create(organisation=cast.harper, name="Billing")


def changed(row: Invoice, **facts: object) -> Invoice:
    Invoice.objects.filter(id=row.id).update(**facts)
    row.refresh_from_db()
    return row


def test_a_credit_note_with_positive_amounts_is_credit_and_owed_by_nobody(cast: Cast) -> None:
    note = changed(cast.overdue, type=InvoiceType.CREDIT_NOTE, amount=40, open_amount=15)
    today = timezone.localdate()
    assert shown_status_of(note, today=today) is ShownStatus.CREDIT_NOTE
    assert (note.signed_amount, note.signed_open_amount) == (-40, -15)
    [balance] = balances(invoices_for_contact(cast.carla.user), today=today)
    assert (balance.open_amount, balance.overdue_amount) == (1240, 0)
    assert balance.credit_amount == 15
    page = signed_in(cast.carla).get("/").content.decode()
    assert "-40.00 EUR" in page


@pytest.mark.parametrize(
    ("status", "shown"),
    [(Status.VOID, ShownStatus.VOID), (Status.WRITTEN_OFF, ShownStatus.WRITTEN_OFF)],
)
@pytest.mark.parametrize("kind", [InvoiceType.INVOICE, InvoiceType.CREDIT_NOTE])
def test_nobody_owes_what_is_void_or_written_off(
    cast: Cast, status: Status, shown: ShownStatus, kind: InvoiceType
) -> None:
    row = changed(cast.overdue, status=status, type=kind)
    is_note = kind is InvoiceType.CREDIT_NOTE and status is Status.WRITTEN_OFF
    expected = ShownStatus.CREDIT_NOTE if is_note else shown
    assert shown_status_of(row, today=timezone.localdate()) is expected
    for show in ("open", "overdue", "paid"):
        assert row.number not in signed_in(cast.carla).get(f"/?show={show}").content.decode()
    assert row.number in signed_in(cast.carla).get("/").content.decode()
    sent = invoice_tokens(Click(invoice=row, user=cast.carla.user), ["InvoiceStatus"])
    assert sent == {"InvoiceStatus": status.value.replace("_", "-")}


def test_a_hidden_invoice_is_in_no_list_and_a_member_can_still_open_it(cast: Cast) -> None:
    row = cast.open
    hide_invoices(ids=[row.id], because=Hidden.ABSENT, now=timezone.now())
    assert row not in invoices_for_contact(cast.carla.user)
    assert row not in invoices_for_member(cast.alice)
    assert list(hidden_invoices(cast.alice)) == [row]
    assert list(hidden_invoices(cast.charlie)) == []
    assert signed_in(cast.carla).get(f"/invoices/{row.id}").status_code == 404
    assert signed_in(cast.carla).get(f"/invoices/{row.id}/document").status_code == 404
    address = reverse("backoffice:invoice", args=[cast.harper.id, row.id])
    page = signed_in(cast.alice).get(address).content.decode()
    assert "no longer lists it" in page
    assert invoice_for_member(cast.alice, row.id) == row


def test_two_ids_of_one_source_may_have_one_number_and_one_id_is_there_once(
    cast: Cast, billing: Integration
) -> None:
    def synced(source_id: str) -> Invoice:
        row = Invoice(integration=billing, organisation=cast.harper, customer=cast.acme)
        row.number, row.source_id, row.issued_on = "INV-1", source_id, cast.open.issued_on
        row.amount = row.open_amount = Decimal(1)
        return row

    save_invoices(invoices=[synced("a"), synced("b")])
    assert invoices_for_member(cast.alice).filter(number="INV-1").count() == 3
    with pytest.raises(IntegrityError), transaction.atomic():
        save_invoices(invoices=[synced("a")])
    with pytest.raises(FieldProblem):
        save_invoice(customer=cast.acme, facts=replace(facts_of(cast.open), number="INV-1"))


def test_an_invoice_from_an_integration_is_changed_there_alone(
    cast: Cast, billing: Integration
) -> None:
    row = changed(cast.open, integration=billing)
    browser = signed_in(cast.alice)
    address = reverse("backoffice:invoice", args=[cast.harper.id, row.id])
    assert "kept as it is there" in browser.get(address).content.decode()
    for act in ("edit", "remove"):
        assert browser.post(f"{address}/{act}").status_code == 302
    assert Invoice.objects.filter(id=row.id).exists()
    billing.delete()
    assert browser.get(f"{address}/edit").status_code == 200


def test_a_link_is_shown_only_if_it_is_https(cast: Cast) -> None:
    row = changed(cast.open, link="https://pay.example/1", po_number="PO <7>")
    page = signed_in(cast.carla).get(f"/invoices/{row.id}").content.decode()
    assert 'href="https://pay.example/1"' in page
    assert "PO &lt;7&gt;" in page
    row = changed(cast.open, link="javascript:alert(1)")
    assert "javascript:" not in signed_in(cast.carla).get(f"/invoices/{row.id}").content.decode()
    with pytest.raises(FieldProblem):
        check_facts(replace(facts_of(cast.paid), link="http://pay.example"))


def test_a_purchase_order_is_searched_and_exported_and_in_the_summary(cast: Cast) -> None:
    row = changed(cast.open, po_number="PO-4711", type=InvoiceType.CREDIT_NOTE)
    invoice(cast.acme, "INV-9")
    page = signed_in(cast.carla).get("/?q=4711").content.decode()
    assert "INV-1" in page
    assert "INV-9" not in page
    exported = b"".join(export_invoices([row])).decode("utf-8-sig")
    assert '"Credit note"' in exported
    assert '"PO-4711"' in exported
    assert draw_plain_invoice(plain_invoice(row)).startswith(b"%PDF-")
