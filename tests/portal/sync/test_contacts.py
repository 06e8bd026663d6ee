"""Contacts come and go with their source; those that members added are never touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.services import invite_contact
from billhook.portal.integrations.models import Integration
from billhook.portal.sync.models import SyncSource
from billhook.portal.sync.services import sync_of
from portal.cast import Cast, signed_in
from portal.sync.billing import CUSTOMERS, Billing
from portal.sync.syncing import synced


def emails(source: SyncSource) -> list[str]:
    contacts = Contact.objects.filter(integration=source.integration_id).select_related("user")
    return sorted(each.user.email for each in contacts)


def test_each_address_of_a_contact_signs_in(billing: Billing, source: SyncSource) -> None:
    billing.contact("p1", "1", "a@acme.example; b@acme.example", "not an address")
    synced(source)
    assert emails(source) == ["a@acme.example", "b@acme.example"]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param({"active": False}, id="inactive"),
        pytest.param({"email": []}, id="without an e-mail"),
        pytest.param({"email": ["new@acme.example"]}, id="with another e-mail"),
        pytest.param(None, id="no longer listed"),
    ],
)
def test_access_and_sessions_end_at_once(
    billing: Billing, source: SyncSource, end: dict[str, object] | None
) -> None:
    billing.contact("p1", "1", "dana@acme.example")
    id_ = billing.add()
    synced(source)
    contact = Contact.objects.select_related("user").get(integration=source.integration_id)
    browser = signed_in(contact)
    assert f"INV-{id_}" in browser.get("/").content.decode()
    if end is None:
        billing.contacts.clear()
        billing.contact("p2", "1", "other@acme.example")
    else:
        billing.contacts["p1"] |= end
    synced(source, full=True)
    assert "dana@acme.example" not in emails(source)
    response = browser.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in")


PEOPLE = """email = "$.email"
changed = { json = "$.changed", format = "iso", zone = "UTC" }
contacts = { json = "$.people[*]", map = { id = "$.id", email = "$.email" } }
"""
CHANGES = (
    'changes = { kind = "changed", param = "since", format = "yyyy-MM-ddTHH:mm:ss", zone = "UTC" }'
)


@pytest.mark.parametrize(
    ("end", "left"),
    [
        pytest.param({"active": False}, [], id="inactive"),
        pytest.param({"email": ""}, ["own@acme.example"], id="without an e-mail"),
        pytest.param(
            {"email": "new@acme.example"},
            ["new@acme.example", "own@acme.example"],
            id="with another e-mail",
        ),
    ],
)
def test_the_address_of_a_customer_itself_ends_with_its_next_change(
    billing: Billing,
    connect: Callable[..., Integration],
    end: dict[str, object],
    left: list[str],
) -> None:
    lists = CUSTOMERS.replace("limits", f"{CHANGES}\nlimits")
    source = sync_of(connect(lists=f"{lists}{PEOPLE}"))
    facts = {
        "email": "dana@acme.example",
        "people": [{"id": "7", "email": "own@acme.example"}],
        "changed": billing.tick(),
    }
    billing.customer("1", "Acme Ltd", **facts)
    billing.customer("2", "Bolt Ltd", changed=billing.tick())
    billing.add()
    synced(source)
    assert emails(source) == ["dana@acme.example", "own@acme.example"]
    billing.customers["1"] |= {**end, "changed": billing.tick(3600)}
    synced(source)
    assert billing.requests[-2].startswith("/customers?page=1&since=")
    assert emails(source) == left


def test_a_contact_that_a_member_added_stays_and_one_of_several_customers_keeps_the_others(
    cast: Cast, billing: Billing, source: SyncSource
) -> None:
    billing.customer("2", "Bolt Ltd")
    billing.contact("p1", "1", "dana@acme.example")
    billing.contact("p2", "2", "dana@acme.example")
    synced(source)
    acme = Customer.objects.get(integration=source.integration_id, source_id="1")
    manual = invite_contact(customer=acme, email="manual@acme.example")
    billing.contact("p3", "1", "manual@acme.example")
    synced(source, full=True)
    del billing.contacts["p1"], billing.contacts["p3"]
    user = Contact.objects.filter(user__email="dana@acme.example").first()
    browser = signed_in(user)
    synced(source, full=True)
    left = Contact.objects.filter(user__email="dana@acme.example").select_related("customer")
    assert [each.customer.name for each in left] == ["Bolt Ltd"]
    assert browser.get("/").status_code == 200  # the session goes on for the other customer
    manual.refresh_from_db()
    assert manual.integration_id is None


def test_a_contact_whose_customer_changed_at_the_source_sees_the_new_one_alone(
    billing: Billing, source: SyncSource
) -> None:
    billing.customer("2", "Bolt Ltd")
    billing.contact("p1", "1", "dana@acme.example")
    synced(source)
    billing.contacts["p1"]["customer"] = "2"
    synced(source)
    contacts = Contact.objects.filter(integration=source.integration_id).select_related("customer")
    assert [each.customer.name for each in contacts] == ["Bolt Ltd"]


def test_a_contact_of_an_unknown_customer_is_left_out_with_a_reason(
    billing: Billing, source: SyncSource
) -> None:
    billing.contact("p1", "404", "dana@acme.example")
    run = synced(source)
    assert emails(source) == []
    assert run.reasons["contact-of-nobody"][0] == 1
