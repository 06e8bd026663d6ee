"""Changes to customers and contacts. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from billhook.portal.accounts.services import get_or_create_user, get_or_create_users
from billhook.portal.customers.access import contact_pairs, customers_numbered
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.models import Organisation

_AT_ONCE: Final = 500


def save_customer(
    *,
    organisation: Organisation,
    number: str,
    name: str,
    locale: str = "",
    customer: Customer | None = None,
) -> Customer:
    """Create a customer, or change *customer*.

    Raises:
        FieldProblem: if another customer of the organisation has that number.
    """
    customer = customer or Customer(organisation=organisation)
    customer.number, customer.name, customer.locale = number.strip(), name.strip(), locale.strip()
    try:
        with transaction.atomic():
            customer.save()
    except IntegrityError:
        message = f"Customer {customer.number} already exists. Customer numbers must be unique."
        raise FieldProblem("number", message) from None
    return customer


def remove_customer(*, customer: Customer) -> None:
    """Remove a customer without invoices, and its contacts with it.

    Raises:
        FieldProblem: if it has invoices.
    """
    if customer.invoices.exists():
        raise FieldProblem("name", f"{customer.name} has invoices. Remove them first.")
    customer.delete()


def invite_contact(*, customer: Customer, email: str, name: str = "") -> Contact:
    """Let the person of *email* see the invoices of *customer*. They sign in with a code.

    Raises:
        FieldProblem: if they are already a contact of this customer.
    """
    with transaction.atomic():
        user = get_or_create_user(email=email, name=name)
        contact, is_new = Contact.objects.get_or_create(customer=customer, user=user)
    if not is_new:
        raise FieldProblem("email", f"{user.email} is already a contact of {customer.name}.")
    return contact


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContact:
    """A person who may see the invoices of the customer with this number."""

    customer_number: str
    email: str
    name: str = ""


def create_customers(
    *, organisation: Organisation, names: Mapping[str, str]
) -> tuple[dict[str, Customer], list[Customer]]:
    """Create those of many customers that don't exist: their *names* by numbers.

    Return all of them by their numbers, and the new ones.
    """
    customers = {one.number: one for one in customers_numbered(organisation, names)}
    created = [
        Customer(organisation=organisation, number=number, name=name)
        for number, name in names.items()
        if number not in customers
    ]
    Customer.objects.bulk_create(created, batch_size=_AT_ONCE)
    return customers | {one.number: one for one in created}, created


def save_customers(*, customers: Sequence[Customer]) -> None:
    """Save many customers, new ones and known ones, with the integration they come from."""
    Customer.objects.bulk_create(
        customers,
        batch_size=_AT_ONCE,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["number", "name", "locale", "integration", "source_id", "changed_at"],
    )


def change_customers(*, customers: Sequence[Customer]) -> None:
    """Save the names and languages of *customers*, which exist."""
    now = timezone.now()
    for customer in customers:
        customer.changed_at = now
    fields = ["name", "locale", "changed_at"]
    Customer.objects.bulk_update(customers, fields, batch_size=_AT_ONCE)


def add_contacts(
    *, customers: Mapping[str, Customer], contacts: Sequence[NewContact]
) -> list[Contact]:
    """Make people contacts of *customers* (by number); return the contacts that are new."""
    names = {each.email: each.name for each in reversed(contacts)}
    users = get_or_create_users(names=names)
    pairs = {(customers[each.customer_number].id, users[each.email].id): None for each in contacts}
    before = contact_pairs(customer_id for customer_id, _ in pairs)
    created = [
        Contact(customer_id=customer, user_id=user)
        for customer, user in pairs
        if (customer, user) not in before
    ]
    return Contact.objects.bulk_create(created, batch_size=_AT_ONCE)


def remove_customers(*, customers: Sequence[Customer]) -> None:
    """Remove many customers, which have no invoices, and their contacts with them."""
    Customer.objects.filter(id__in=[customer.id for customer in customers]).delete()


def add_synced_contacts(*, contacts: Sequence[Contact]) -> None:
    """Make people contacts who come from an integration; those who are contacts already stay."""
    Contact.objects.bulk_create(contacts, batch_size=_AT_ONCE, ignore_conflicts=True)


def remove_contacts(*, contacts: Sequence[Contact]) -> None:
    """End the access of many contacts, at once."""
    Contact.objects.filter(id__in=[contact.id for contact in contacts]).delete()


def remove_contact(*, contact: Contact) -> None:
    """End a contact's access to one customer's invoices, at once."""
    contact.delete()
