"""The only way to the rows of customers and contacts: each function says who is asking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.db import models
from django.db.models import Q, QuerySet
from django.http import Http404

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.search import count_matching, customers_matching
from billhook.portal.organisations.access import member_of
from billhook.portal.organisations.models import Member, Organisation, Role
from billhook.portal.paging.count import Count, count_up_to
from billhook.portal.paging.order import Order

_AT_ONCE: Final = 500
_MOST_OF_PERSON: Final = 500
"""Contacts of one person that are looked at; with one id, there are hardly ever two people."""
BY_NAME: Final = Order(name="name", fields=("name", "id"))


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


def only_customer(customers: QuerySet[Customer], customer_id: str) -> Customer:
    """Return one of *customers*, which the caller may see; raise Http404 if it isn't one."""
    found = customers.filter(id=customer_id).first()
    if found is None:
        raise Http404
    return found


def customers_for_member(member: Member) -> QuerySet[Customer]:
    """Return all customers of the organisation that *member* is of, by name."""
    return Customer.objects.filter(organisation_id=member.organisation_id).order_by("name", "id")


def customers_found(member: Member, search: str) -> QuerySet[Customer]:
    """Return the customers whose name or number contains *search*."""
    customers = customers_for_member(member)
    return customers_matching(customers, search) if search else customers


def customers_changed(member: Member, since: datetime, until: datetime) -> QuerySet[Customer]:
    """Return the customers that changed from *since* on, and before *until*."""
    return customers_for_member(member).filter(changed_at__gte=since, changed_at__lt=until)


def count_found(member: Member, search: str) -> Count:
    """Return the number of customers whose name or number contains *search*, up to a bound."""
    customers = customers_for_member(member)
    return count_matching(customers, search) if search else count_up_to(customers)


def contact_counts(customers: Sequence[Customer]) -> dict[str, int]:
    """Return the number of contacts of each of *customers* that has some, by its id."""
    ids = [customer.id for customer in customers]
    counted = Contact.objects.filter(customer_id__in=ids).values_list("customer_id")
    return dict(counted.annotate(number=models.Count("id")))


def customer_ids_found(member: Member, search: str, *, most: int) -> list[str]:
    """Return the ids of some customers whose name or number contains *search*."""
    found = customers_found(member, search).order_by()
    return list(found.values_list("id", flat=True)[:most])


def has_customers(member: Member) -> bool:
    """Return whether the organisation that *member* is of has a customer."""
    return customers_for_member(member).exists()


def has_contacts(member: Member) -> bool:
    """Return whether the organisation that *member* is of has a contact."""
    return customers_for_member(member).filter(contacts__isnull=False).exists()


def first_contact_of(customers: QuerySet[Customer]) -> Contact | None:
    """Return the contact of one of *customers* that was invited first."""
    return Contact.objects.filter(customer__in=customers).order_by("created_at").first()


def customer_for_member(member: Member, customer_id: str) -> Customer:
    """Return a customer of the organisation that *member* is of, or raise Http404."""
    found = customers_for_member(member).filter(id=customer_id).first()
    if found is None:
        raise Http404
    return found


def customer_numbered(
    member: Member, number: str, *, integration_id: str | None
) -> Customer | None:
    """Return a customer of *member*'s organisation with this number, if there is one.

    Of several, one that comes from that integration comes first.
    """
    found = list(customers_for_member(member).filter(number=number)[:_AT_ONCE])
    theirs = [customer for customer in found if customer.integration_id == integration_id]
    return next(iter((*theirs, *found)), None)


def contacts_for_member(member: Member, customer: Customer) -> QuerySet[Contact]:
    """Return the contacts of *customer*, by name, as far as *member* may see them."""
    return (
        Contact.objects.filter(customer=customer, customer__organisation_id=member.organisation_id)
        .select_related("user", "customer")
        .order_by("user__name", "user__email")
    )


def contacts_found(member: Member, *, customer_id: str = "", email: str = "") -> QuerySet[Contact]:
    """Return the contacts of *member*'s organisation, of this customer and with this address.

    Each is left out of the search if it is empty.
    """
    found = Contact.objects.filter(customer__organisation_id=member.organisation_id)
    found = found.filter(customer_id=customer_id) if customer_id else found
    found = found.filter(user__email=email) if email else found
    return found.select_related("user", "customer")


def contact_for_member(member: Member, contact_id: str) -> Contact:
    """Return a contact of a customer of the organisation that *member* is of, or raise Http404."""
    contacts = Contact.objects.select_related("user", "customer")
    found = contacts.filter(id=contact_id, customer__organisation_id=member.organisation_id).first()
    if found is None:
        raise Http404
    return found


def customers_numbered(organisation: Organisation, numbers: Iterable[str]) -> Iterator[Customer]:
    """Yield the customers of *organisation* with one of *numbers*: for its own import.

    Of several with one number, the one that was typed or imported comes last.
    """
    found = _in_chunks(Customer.objects.filter(organisation=organisation), "number", numbers)
    yield from sorted(found, key=lambda customer: customer.integration_id is None)


def customers_named(organisation: Organisation, names: Iterable[str]) -> Iterator[Customer]:
    """Yield the customers of *organisation* with exactly one of *names*: for its own import."""
    yield from _in_chunks(Customer.objects.filter(organisation=organisation), "name", names)


def has_padded_customer(organisation: Organisation) -> bool:
    """Return whether a customer of *organisation* has a number that begins with a zero."""
    ours = Customer.objects.filter(organisation=organisation)
    return ours.filter(number__gte="0", number__lt="1").exists()


def customers_by_id(organisation: Organisation, ids: Iterable[str]) -> dict[str, Customer]:
    """Return the customers of *organisation* with one of *ids*, by these: for its own import."""
    customers = Customer.objects.filter(organisation=organisation)
    return {customer.id: customer for customer in _in_chunks(customers, "id", ids)}


def customers_in_use(ids: Iterable[str]) -> set[str]:
    """Return those of *ids* whose customers have invoices or contacts."""
    used = Customer.objects.filter(Q(invoices__isnull=False) | Q(contacts__isnull=False))
    return {customer.id for customer in _in_chunks(used.distinct(), "id", ids)}


def contacts_by_id(organisation: Organisation, ids: Iterable[str]) -> dict[str, Contact]:
    """Return the contacts of *organisation* with one of *ids*, by these: for its own import."""
    wanted = list(ids)
    contacts = Contact.objects.filter(customer__organisation=organisation)
    return {
        contact.id: contact
        for start in range(0, len(wanted), _AT_ONCE)
        for contact in contacts.filter(id__in=wanted[start : start + _AT_ONCE]).select_related(
            "user", "customer__organisation"
        )
    }


def contact_pairs(customer_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Return the ids of customers and of their contacts' users, as pairs."""
    wanted = list(dict.fromkeys(customer_ids))
    return {
        pair
        for start in range(0, len(wanted), _AT_ONCE)
        for pair in Contact.objects.filter(
            customer_id__in=wanted[start : start + _AT_ONCE]
        ).values_list("customer_id", "user_id")
    }


def contact_emails(organisation: Organisation, numbers: Iterable[str]) -> set[tuple[str, str]]:
    """Return the numbers of customers and the addresses of their contacts, as pairs."""
    wanted = list(dict.fromkeys(numbers))
    return {
        pair
        for start in range(0, len(wanted), _AT_ONCE)
        for pair in Contact.objects.filter(
            customer__organisation=organisation,
            customer__number__in=wanted[start : start + _AT_ONCE],
        ).values_list("customer__number", "user__email")
    }


def _in_chunks(
    customers: QuerySet[Customer], field: str, values: Iterable[str]
) -> Iterator[Customer]:
    """Ask for a few hundred at a time: databases have limits."""
    wanted = [value for value in dict.fromkeys(values) if value]
    for start in range(0, len(wanted), _AT_ONCE):
        yield from customers.filter(**{f"{field}__in": wanted[start : start + _AT_ONCE]})


def contacts_of_email(member: Member, email: str) -> QuerySet[Contact]:
    """Return the contacts with that address at customers of *member*'s organisation."""
    return Contact.objects.filter(
        customer__organisation_id=member.organisation_id, user__email=email
    ).select_related("user", "customer")


def user_named_by_source(organisation_id: str, *, source_id: str, email: str) -> User | None:
    """Return the one person among the organisation's contacts whom its own system has named.

    *source_id* is that system's id of the contact, or ours; *email* counts where no contact has
    that id. None if nobody is meant, or more than one person could be.
    """
    ours = Contact.objects.filter(customer__organisation_id=organisation_id)
    by_id = ours.filter(Q(source_id=source_id) | Q(id=source_id)) if source_id else ours.none()
    by_email = ours.filter(user__email=email) if email else ours.none()
    people = _people(by_id) or _people(by_email)
    return people.pop() if len(people) == 1 else None


def _people(contacts: QuerySet[Contact]) -> set[User]:
    return {contact.user for contact in contacts.select_related("user")[:_MOST_OF_PERSON]}


def is_contact_of(user: User, organisation_id: str) -> bool:
    """Return whether *user* is a contact of a customer of the organisation."""
    return Contact.objects.filter(user=user, customer__organisation_id=organisation_id).exists()


def contact_to_view_as(user: User, contact_id: str) -> Contact:
    """Return a contact whose pages *user* may look at, as an editor or owner of its organisation.

    Raises:
        Http404: if there is none, or it is of an organisation that *user* isn't a member of.
        PermissionDenied: if *user* is only a viewer there.
    """
    contacts = Contact.objects.select_related("user", "customer__organisation")
    found = contacts.filter(id=contact_id).first()
    if found is None:
        raise Http404
    member_of(user, found.customer.organisation_id, at_least=Role.EDITOR)
    return found


def customers_for_operator(organisation: Organisation) -> QuerySet[Customer]:
    """Return all customers of *organisation*, by number."""
    return Customer.objects.filter(organisation=organisation).order_by("number")
