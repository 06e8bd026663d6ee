"""The safeguard: what looks wrong waits for a member, who applies or discards it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse

from billhook.portal.customers.models import Contact
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Hidden, Invoice
from billhook.portal.sync.access import open_question
from billhook.portal.sync.models import Question, SyncSource, WaitsFor
from billhook.portal.sync.services import answer, sync_of
from portal.cast import Cast, signed_in
from portal.sync.billing import NAMED, Billing
from portal.sync.syncing import ours, synced, work


def answered(cast: Cast, source: SyncSource, *, apply: bool) -> None:
    run = open_question(source)
    assert run is not None
    assert answer(run=run, user=cast.bob.user, apply=apply)
    work(source)
    run.refresh_from_db()
    assert run.question == (Question.APPLIED if apply else Question.DISCARDED)
    assert run.answered_by == cast.bob.user


@pytest.mark.parametrize("apply", [True, False], ids=["applied", "discarded"])
def test_an_invoice_moves_to_another_customer_only_if_a_member_says_so(
    cast: Cast, billing: Billing, source: SyncSource, apply: bool
) -> None:
    billing.customer("2", "Bolt Ltd")
    id_ = billing.add()
    synced(source)
    billing.change(id_, customer="2", total="5.00", open="5.00")
    run = synced(source)
    [row] = ours(source)
    assert (row.customer.name, row.amount) == ("Acme Ltd", 100)
    assert run.question == Question.OPEN
    assert run.doubts == ["1 invoice would move to another customer."]
    page = signed_in(cast.bob).get(_page(cast, source)).content.decode()
    assert "Bolt Ltd" in page
    answered(cast, source, apply=apply)
    [row] = ours(source)
    assert (row.customer.name, row.amount) == (("Bolt Ltd", 5) if apply else ("Acme Ltd", 100))
    again = synced(source)  # the overlap brings the same row once more
    assert again.question == Question.NONE
    if not apply:
        assert synced(source, full=True).question == Question.OPEN


def test_an_invoice_whose_customer_is_no_longer_known_is_shown_to_nobody_once_applied(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    id_ = billing.add()
    synced(source)
    billing.change(id_, customer="404")
    synced(source)
    assert [row.hidden_at for row in ours(source)] == [None]
    answered(cast, source, apply=True)
    assert [row.hidden_because for row in ours(source)] == [Hidden.UNASSIGNED]
    assert source.waiting.filter(waits_for=WaitsFor.CUSTOMER).count() == 1
    billing.customer("404", "Found Ltd")
    synced(source, full=True)
    [row] = ours(source)
    assert (row.customer.name, row.hidden_at) == ("Found Ltd", None)


@pytest.mark.parametrize("apply", [True, False], ids=["applied", "discarded"])
def test_many_absent_invoices_stay_until_a_member_answers(
    cast: Cast, billing: Billing, source: SyncSource, apply: bool
) -> None:
    ids = [billing.add() for _ in range(30)]
    synced(source)
    for id_ in ids[:12]:
        del billing.invoices[id_]
    run = synced(source, full=True)
    assert run.doubts == ["12 of 30 invoices are no longer listed, and would be hidden."]
    assert not Invoice.objects.filter(hidden_at__isnull=False).exists()
    billing.tick(3600)
    new = billing.add()
    synced(source)  # a later run goes on, and what it brings isn't absent
    answered(cast, source, apply=apply)
    hidden = {row.source_id for row in ours(source) if row.hidden_at}
    assert hidden == (set(ids[:12]) if apply else set())
    assert new not in hidden


def test_members_hear_once_that_a_sync_asks_and_see_it_on_home_until_they_answer(
    cast: Cast,
    billing: Billing,
    source: SyncSource,
    sent_mail: Callable[[], None],
    mailoutbox: list[EmailMessage],
) -> None:
    billing.add()
    synced(source)
    billing.invoices.clear()
    home = reverse("backoffice:home", args=[cast.harper.id])
    for _ in range(2):
        synced(source, full=True)
        sent_mail()
        assert 'data-code="sync-asks"' in signed_in(cast.bob).get(home).content.decode()
    assert sorted(mail.to[0] for mail in mailoutbox) == [
        cast.alice.user.email,
        cast.bob.user.email,
    ]
    assert mailoutbox[0].subject == "Billing: is this right?"
    assert "The list of invoices is empty." in mailoutbox[0].body
    assert _page(cast, source) in mailoutbox[0].body
    assert "Waits for an answer" in signed_in(cast.bob).get(_page(cast, source)).content.decode()
    answered(cast, source, apply=False)
    assert 'data-code="sync-asks"' not in signed_in(cast.bob).get(home).content.decode()
    assert "Up to date" in signed_in(cast.bob).get(_page(cast, source)).content.decode()


def test_a_few_absent_ones_are_hidden_without_a_question(
    billing: Billing, source: SyncSource
) -> None:
    ids = [billing.add() for _ in range(30)]
    synced(source)
    for id_ in ids[:6]:
        del billing.invoices[id_]
    assert synced(source, full=True).question == Question.NONE
    assert sum(row.hidden_at is not None for row in ours(source)) == 6


def test_an_empty_list_hides_nothing_before_a_member_answers(
    billing: Billing, source: SyncSource
) -> None:
    billing.add()
    synced(source)
    billing.invoices.clear()
    run = synced(source, full=True)
    assert run.doubts == ["The list of invoices is empty. Before, it had 1."]
    assert [row.hidden_at for row in ours(source)] == [None]


def test_one_changed_amount_is_written_and_a_map_that_changes_most_waits(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    ids = [billing.add() for _ in range(12)]
    synced(source)
    billing.change(ids[0], total="101.00", open="101.00")
    assert synced(source).question == Question.NONE
    assert ours(source)[0].amount == 101
    for id_ in ids[:10]:
        billing.change(id_, total="1.00", open="1.00")
    run = synced(source)
    assert run.doubts == ["The amount or currency of 10 of 12 invoices would change."]
    assert {row.amount for row in ours(source)} == {100, 101}
    answered(cast, source, apply=True)
    assert sum(row.amount == 1 for row in ours(source)) == 10


def test_an_address_at_many_customers_waits(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    for number in range(10, 16):
        billing.customer(str(number), f"Customer {number}")
        billing.contact(f"p{number}", str(number), "info@everybody.example")
    billing.contact("p1", "1", "dana@acme.example")
    run = synced(source)
    assert run.doubts == ["6 contacts would see many customers."]
    contacts = Contact.objects.filter(integration=source.integration_id)
    assert [each.user.email for each in contacts.select_related("user")] == ["dana@acme.example"]
    answered(cast, source, apply=True)
    assert contacts.count() == 7


def test_a_second_answer_and_one_to_an_older_question_do_nothing(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.customer("2", "Bolt Ltd")
    id_ = billing.add()
    synced(source)
    billing.change(id_, customer="2")
    run = synced(source)
    browser = signed_in(cast.bob)
    address = reverse("backoffice:sync-answer", args=[cast.harper.id, source.integration_id])
    browser.post(address, {"run": "an older one", "answer": "apply"})
    run.refresh_from_db()
    assert run.question == Question.OPEN
    browser.post(address, {"run": run.id, "answer": "discard"})
    assert not answer(run=run, user=cast.bob.user, apply=True)
    work(source)
    assert ours(source)[0].customer.name == "Acme Ltd"


def test_invoices_alone_create_their_customers_and_contacts(
    billing: Billing, connect: Callable[..., Integration]
) -> None:
    source = sync_of(connect(lists="", more=NAMED))
    billing.add(customer="9", name="Nine Ltd", c_number="K-9", email="nina@nine.example")
    billing.add(customer="9", name="Old name of Nine", email="nina@nine.example")
    synced(source)
    first, second = ours(source)
    assert first.customer == second.customer
    assert (first.customer.number, first.customer.source_id) == ("K-9", "9")
    contact = Contact.objects.select_related("user").get(customer=first.customer)
    assert contact.user.email == "nina@nine.example"
    for row in billing.invoices.values():
        row["email"] = "nils@nine.example"
    synced(source, full=True)
    contacts = Contact.objects.filter(customer=first.customer).select_related("user")
    assert [each.user.email for each in contacts] == ["nils@nine.example"]


def _page(cast: Cast, source: SyncSource) -> str:
    return reverse("backoffice:sync", args=[cast.harper.id, source.integration_id])
