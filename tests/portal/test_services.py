"""Effects of the services, and the problems that they report at a field."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone

from billhook.portal.accounts.models import CacheEntry, User
from billhook.portal.accounts.services import forget_what_expired, get_or_create_user
from billhook.portal.customers import services as customers
from billhook.portal.customers.models import Contact
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.invoices import access
from billhook.portal.invoices import services as invoices
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations import services as organisations
from billhook.portal.organisations.models import Member, Role
from portal.cast import Cast, signed_in


def facts(**other: Any) -> invoices.InvoiceFacts:
    given: dict[str, Any] = {
        "number": "INV-9",
        "issued_on": date(2026, 1, 1),
        "due_on": date(2026, 1, 31),
        "amount": Decimal("10.00"),
        "open_amount": Decimal("10.00"),
        "currency": "eur",
    }
    return invoices.InvoiceFacts(**(given | other))


def test_one_person_is_one_user_regardless_of_case(db: None) -> None:
    first = get_or_create_user(email=" Carla@Acme.example", name="Carla")
    assert get_or_create_user(email="carla@ACME.example ", name="Somebody else") == first
    assert User.objects.get().name == "Carla"


def test_expired_rows_are_deleted_and_nothing_else(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    cache.set("a", 1, timeout=3600)
    forget_what_expired()
    assert browser.get("/").status_code == 200
    assert cache.get("a") == 1
    forget_what_expired(now=timezone.now() + timedelta(days=400))
    assert not Session.objects.exists()
    assert not CacheEntry.objects.exists()


def test_an_invited_person_has_no_password(cast: Cast) -> None:
    assert not cast.carla.user.has_usable_password()


def test_a_member_is_added_once(cast: Cast) -> None:
    with pytest.raises(FieldProblem, match="is already a member"):
        organisations.add_member(
            organisation=cast.harper, email="Bob@harper.example", role=Role.OWNER
        )
    assert Member.objects.get(id=cast.bob.id).role == Role.EDITOR


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_the_last_owner_remains_owner(cast: Cast, role: Role) -> None:
    with pytest.raises(FieldProblem, match="needs an owner"):
        organisations.change_role(member=cast.alice, role=role)
    with pytest.raises(FieldProblem, match="needs an owner"):
        organisations.remove_member(member=cast.alice)
    assert Member.objects.get(id=cast.alice.id).role == Role.OWNER


def test_with_a_second_owner_the_first_may_leave(cast: Cast) -> None:
    organisations.change_role(member=cast.bob, role=Role.OWNER)
    organisations.remove_member(member=cast.alice)
    assert signed_in(cast.alice.user).get(f"/backoffice/{cast.harper.id}").status_code == 404


def test_other_members_can_be_removed(cast: Cast) -> None:
    organisations.remove_member(member=cast.vera)
    assert not Member.objects.filter(user=cast.vera.user).exists()


def test_a_contact_is_invited_once_for_each_customer(cast: Cast) -> None:
    with pytest.raises(FieldProblem, match="is already a contact of Acme"):
        customers.invite_contact(customer=cast.acme, email="CARLA@acme.example")
    customers.invite_contact(customer=cast.bolt, email="carla@acme.example")
    assert Contact.objects.filter(user=cast.carla.user).count() == 2


def test_a_removed_contact_immediately_sees_nothing(cast: Cast) -> None:
    browser = signed_in(cast.carla)
    assert browser.get(f"/invoices/{cast.open.id}").status_code == 200
    customers.remove_contact(contact=cast.carla)
    assert browser.get(f"/invoices/{cast.open.id}").status_code == 404
    assert not access.invoices_for_contact(cast.carla.user).exists()


def test_customer_numbers_are_unique_in_an_organisation(cast: Cast) -> None:
    with pytest.raises(FieldProblem) as raised:
        customers.save_customer(organisation=cast.harper, number="C-1", name="Another")
    assert raised.value.field == "number"
    customers.save_customer(organisation=cast.northwind, number="C-9", name="Another")


def test_a_customer_with_invoices_cannot_be_removed(cast: Cast) -> None:
    with pytest.raises(FieldProblem, match="has invoices"):
        customers.remove_customer(customer=cast.acme)
    customers.remove_customer(customer=cast.dune)


def test_invoice_numbers_are_unique_in_an_organisation(cast: Cast) -> None:
    with pytest.raises(FieldProblem) as raised:
        invoices.save_invoice(customer=cast.bolt, facts=facts(number=" INV-1 "))
    assert raised.value.field == "number"
    invoices.save_invoice(customer=cast.dune, facts=facts(number="INV-2"))


def test_an_invoice_always_belongs_to_the_organisation_of_its_customer(cast: Cast) -> None:
    moved = invoices.save_invoice(customer=cast.bolt, facts=facts(), invoice=cast.open)
    assert (moved.customer, moved.organisation) == (cast.bolt, cast.harper)
    assert Invoice.objects.get(id=cast.open.id).currency == "EUR"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"due_on": date(2025, 12, 31)}, "due_on", id="due before its date"),
        pytest.param({"open_amount": Decimal("10.01")}, "open_amount", id="more open than all"),
    ],
)
def test_contradictory_values_are_reported(cast: Cast, wrong: Any, field: str) -> None:
    with pytest.raises(FieldProblem) as raised:
        invoices.save_invoice(customer=cast.acme, facts=facts(**wrong))
    assert raised.value.field == field


def test_a_credit_note_may_be_negative(cast: Cast) -> None:
    credit = facts(amount=Decimal("-10.00"), open_amount=Decimal("-10.00"))
    assert invoices.save_invoice(customer=cast.acme, facts=credit).amount == Decimal("-10.00")
