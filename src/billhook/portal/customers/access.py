"""The only way to the rows of customers and contacts: each function says who is asking."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.organisations.models import Member, Organisation


def is_contact(user: User) -> bool:
    """Return whether *user* is a contact of any customer."""
    return Contact.objects.filter(user=user).exists()


def customers_for_contact(user: User) -> QuerySet[Customer]:
    """Return the customers that *user* is a contact of, by name."""
    return (
        Customer.objects.filter(contacts__user=user)
        .select_related("organisation")
        .order_by("name", "id")
    )


def customers_for_member(member: Member) -> QuerySet[Customer]:
    """Return all customers of the organisation that *member* is of, by name."""
    return Customer.objects.filter(organisation_id=member.organisation_id).order_by("name", "id")


def customers_found(member: Member, search: str) -> QuerySet[Customer]:
    """Return the customers whose name or number contains *search*, with their counts."""
    found = Q(name__icontains=search) | Q(number__icontains=search)
    return (
        customers_for_member(member)
        .filter(found)
        .annotate(
            contact_count=Count("contacts", distinct=True),
            invoice_count=Count("invoices", distinct=True),
        )
    )


def has_customers(member: Member) -> bool:
    """Return whether the organisation that *member* is of has a customer."""
    return customers_for_member(member).exists()


def has_contacts(member: Member) -> bool:
    """Return whether the organisation that *member* is of has a contact."""
    return customers_for_member(member).filter(contacts__isnull=False).exists()


def customer_for_member(member: Member, customer_id: str) -> Customer:
    """Return a customer of the organisation that *member* is of, or raise Http404."""
    found = customers_for_member(member).filter(id=customer_id).first()
    if found is None:
        raise Http404
    return found


def contacts_for_member(member: Member, customer: Customer) -> QuerySet[Contact]:
    """Return the contacts of *customer*, by name, as far as *member* may see them."""
    return (
        Contact.objects.filter(customer=customer, customer__organisation_id=member.organisation_id)
        .select_related("user", "customer")
        .order_by("user__name", "user__email")
    )


def contact_for_member(member: Member, contact_id: str) -> Contact:
    """Return a contact of a customer of the organisation that *member* is of, or raise Http404."""
    contacts = Contact.objects.select_related("user", "customer")
    found = contacts.filter(id=contact_id, customer__organisation_id=member.organisation_id).first()
    if found is None:
        raise Http404
    return found


def customers_for_operator(organisation: Organisation) -> QuerySet[Customer]:
    """Return all customers of *organisation*, by number."""
    return Customer.objects.filter(organisation=organisation).order_by("number")
