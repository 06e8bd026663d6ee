"""What is done with customers and contacts. Callers have asked :mod:`access` if they may."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from billhook.portal.accounts.services import get_or_create_user
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
        Mistake: where another customer of the organisation has that number.
    """
    customer = customer or Customer(organisation=organisation)
    customer.number, customer.name, customer.locale = number.strip(), name.strip(), locale.strip()
    try:
        with transaction.atomic():
            customer.save()
    except IntegrityError:
        message = f"There is a customer {customer.number} already. Give this one another number."
        raise FieldProblem("number", message) from None
    return customer


def remove_customer(*, customer: Customer) -> None:
    """Remove a customer without invoices, and its contacts with it.

    Raises:
        Mistake: where it has invoices.
    """
    if customer.invoices.exists():
        raise FieldProblem("name", f"{customer.name} has invoices. Remove those first.")
    customer.delete()


def invite_contact(*, customer: Customer, email: str, name: str = "") -> Contact:
    """Let the person of *email* see the invoices of *customer*. They sign in with a code.

    Raises:
        Mistake: where they are a contact of this customer already.
    """
    with transaction.atomic():
        user = get_or_create_user(email=email, name=name)
        contact, is_new = Contact.objects.get_or_create(customer=customer, user=user)
    if not is_new:
        raise FieldProblem("email", f"{user.email} is a contact of {customer.name} already.")
    return contact


def remove_contact(*, contact: Contact) -> None:
    """End a contact's access to one customer's invoices, at once."""
    contact.delete()
