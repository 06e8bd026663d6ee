"""Rows come only to those whose they are."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from billhook.portal.accounts.models import User
from billhook.portal.customers import access as customers
from billhook.portal.invoices import access as invoices
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations import access as organisations
from billhook.portal.organisations.models import Role
from portal.cast import Cast


def invoice_of(contact: User, invoice_id: str) -> Invoice:
    return invoices.only_invoice(invoices.invoices_for_contact(contact), invoice_id)


def test_a_contact_gets_their_own_invoice_and_nobody_elses(cast: Cast) -> None:
    assert invoice_of(cast.carla.user, cast.open.id) == cast.open
    for stranger in (cast.carl.user, cast.cleo.user, cast.alice.user, cast.sam):
        with pytest.raises(Http404):
            invoice_of(stranger, cast.open.id)


def test_a_contact_never_gets_a_draft(cast: Cast) -> None:
    with pytest.raises(Http404):
        invoice_of(cast.carla.user, cast.draft.id)
    assert set(invoices.invoices_for_contact(cast.carla.user)) == {
        cast.open,
        cast.overdue,
        cast.paid,
    }


def test_a_member_gets_all_invoices_of_the_organisation_and_none_of_another(cast: Cast) -> None:
    for member in (cast.alice, cast.bob, cast.vera):
        assert invoices.invoice_for_member(member, cast.draft.id) == cast.draft
        assert invoices.invoice_for_member(member, cast.of_bolt.id) == cast.of_bolt
        with pytest.raises(Http404):
            invoices.invoice_for_member(member, cast.of_cedar.id)


def test_a_member_gets_customers_and_contacts_of_the_organisation_only(cast: Cast) -> None:
    assert customers.customer_for_member(cast.vera, cast.acme.id) == cast.acme
    assert customers.contact_for_member(cast.vera, cast.carla.id) == cast.carla
    assert list(customers.contacts_for_member(cast.vera, cast.cedar)) == []
    with pytest.raises(Http404):
        customers.customer_for_member(cast.vera, cast.cedar.id)
    with pytest.raises(Http404):
        customers.contact_for_member(cast.vera, cast.cleo.id)


def test_an_organisation_opens_to_its_members_only(cast: Cast) -> None:
    assert organisations.member_of(cast.vera.user, cast.harper.id) == cast.vera
    for stranger in (cast.charlie.user, cast.carla.user, cast.sam):
        with pytest.raises(Http404):
            organisations.member_of(stranger, cast.harper.id)


@pytest.mark.parametrize(
    ("name", "role", "may"),
    [
        pytest.param("vera", Role.VIEWER, True, id="a viewer views"),
        pytest.param("vera", Role.EDITOR, False, id="a viewer doesn't edit"),
        pytest.param("bob", Role.EDITOR, True, id="an editor edits"),
        pytest.param("bob", Role.OWNER, False, id="an editor doesn't own"),
        pytest.param("alice", Role.OWNER, True, id="an owner owns"),
    ],
)
def test_each_role_has_exactly_its_permissions(
    cast: Cast, name: str, role: Role, may: bool
) -> None:
    member = getattr(cast, name)
    assert organisations.may(member, role) is may
    if not may:
        with pytest.raises(PermissionDenied):
            organisations.member_of(member.user, cast.harper.id, at_least=role)
