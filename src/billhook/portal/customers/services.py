"""Changes to customers and contacts. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from billhook.portal.accounts.services import get_or_create_user, get_or_create_users
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.models import Organisation


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
    """A person who is to see the invoices of the customer with this number."""

    customer_number: str
    email: str
    name: str = ""


def add_contacts(
    *,
    organisation: Organisation,
    contacts: Sequence[NewContact],
    new_customers: Mapping[str, str],
) -> int:
    """Make many people contacts, and first the customers that are new: their names by numbers.

    Return how many weren't contacts of that customer yet.
    """
    with transaction.atomic():
        Customer.objects.bulk_create(
            Customer(organisation=organisation, number=number, name=name)
            for number, name in new_customers.items()
        )
        theirs = Customer.objects.filter(organisation=organisation)
        customers = {customer.number: customer for customer in theirs}
        users = get_or_create_users(names={each.email: each.name for each in contacts})
        known = Contact.objects.filter(customer__organisation=organisation)
        before = set(known.values_list("customer_id", "user_id"))
        pairs = {
            (customers[each.customer_number].id, users[each.email].id): None for each in contacts
        }
        new = [pair for pair in pairs if pair not in before]
        Contact.objects.bulk_create(
            (Contact(customer_id=customer, user_id=user) for customer, user in new), batch_size=500
        )
    return len(new)


def remove_contact(*, contact: Contact) -> None:
    """End a contact's access to one customer's invoices, at once."""
    contact.delete()
