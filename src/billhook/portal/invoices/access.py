"""The only way to the rows of invoices: each function says who is asking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.http import Http404

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.fields.statement import Slot, Statement
from billhook.portal.invoices.models import Invoice, OpenSum, Status
from billhook.portal.organisations.models import Member, Organisation
from billhook.portal.paging.count import Count, count_up_to, counted
from billhook.portal.paging.order import Order
from billhook.portal.paging.page import page_of

_AT_ONCE: Final = 500
_MOST_OF_ONE: Final = 1_000
_MOST_CUSTOMERS: Final = 500
_NEWEST_FIRST: Final = Order(
    name="newest", fields=("issued_on", "number", "id"), is_descending=True
)

_NUMBERED: Final = 100
"""Invoices with one number: those of several systems may share it."""


def invoices_for_contact(user: User) -> QuerySet[Invoice]:
    """Return the invoices of all customers that *user* is a contact of; no draft, none hidden."""
    return (
        Invoice.objects.filter(customer__contacts__user=user, hidden_at=None)
        .exclude(status=Status.DRAFT)
        .select_related("customer", "organisation")
    )


def invoice_for_contact(user: User, invoice_id: str) -> Invoice | None:
    """Return the one of :func:`invoices_for_contact` with this id, or None, in little time."""
    return _FOR_CONTACT.first(user=user.id, invoice=invoice_id)


_FOR_CONTACT: Final = Statement(
    lambda: invoices_for_contact(User(id=Slot("user"))).filter(id=Slot("invoice"))
)


def listed_invoices_for_contact(user: User) -> QuerySet[Invoice]:
    """Return the same invoices for a list of them: by the ids of the customers.

    So an index alone can filter, sort and count them, without a look at each one's contacts.
    """
    customers = Contact.objects.filter(user=user).values_list("customer_id", flat=True)
    ids = list(customers.order_by("customer_id")[: _MOST_CUSTOMERS + 1])
    if len(ids) > _MOST_CUSTOMERS:
        return invoices_for_contact(user)
    theirs = Q(customer_id=ids[0]) if len(ids) == 1 else Q(customer_id__in=ids)
    shown = Invoice.objects.filter(theirs, hidden_at=None).exclude(status=Status.DRAFT)
    return shown.select_related("customer", "organisation")


def found_first(invoices: QuerySet[Invoice], *, most: int) -> QuerySet[Invoice]:
    """Return *invoices*, at most so many, by their ids, so that sorting reads no others."""
    found = list(invoices.order_by().values_list("id", flat=True)[: most + 1])
    return Invoice.objects.filter(id__in=found).select_related("customer", "organisation")


def chosen_invoices(invoices: QuerySet[Invoice], ids: Sequence[str]) -> list[Invoice]:
    """Return those of *invoices* that have one of *ids*, the newest first."""
    return list(invoices.filter(id__in=ids).order_by("-issued_on", "-number").distinct())


def invoices_for_member(member: Member) -> QuerySet[Invoice]:
    """Return the invoices of the organisation that *member* is of: drafts too, none hidden."""
    return _all_invoices(member).filter(hidden_at=None)


def invoices_by_customer(member: Member) -> QuerySet[Invoice]:
    """Return the same as :func:`invoices_for_member`, as found through the customers.

    An invoice has its customer's organisation. Said so, a list by customer reads the customers in
    order, and the invoices of each.
    """
    return Invoice.objects.filter(
        customer__organisation_id=member.organisation_id, hidden_at=None
    ).select_related("customer", "organisation")


def hidden_invoices(member: Member) -> QuerySet[Invoice]:
    """Return the hidden invoices of the organisation that *member* is of."""
    return _all_invoices(member).filter(hidden_at__isnull=False)


def _all_invoices(member: Member) -> QuerySet[Invoice]:
    return Invoice.objects.filter(organisation_id=member.organisation_id).select_related(
        "customer", "organisation"
    )


def open_sums(member: Member) -> QuerySet[OpenSum]:
    """Return the kept sums of the organisation that *member* is of."""
    return OpenSum.objects.filter(organisation_id=member.organisation_id)


def newest_invoices(member: Member, *, most: int) -> list[Invoice]:
    """Return the newest invoices of the organisation that *member* is of."""
    return page_of(invoices_for_member(member), _NEWEST_FIRST, "", size=most).rows


def invoices_of_customer(member: Member, customer: Customer) -> QuerySet[Invoice]:
    """Return the invoices of *customer*, as far as *member* may see them."""
    return invoices_by_customer(member).filter(customer=customer)


def invoice_counts(member: Member, customers: Sequence[Customer]) -> dict[str, Count]:
    """Return the number of invoices of each of *customers* by its id, up to a thousand."""
    theirs = invoices_for_member(member).filter(customer_id=OuterRef("id")).order_by()
    some = _RowCount(theirs.values("id")[: _MOST_OF_ONE + 1])
    rows = Customer.objects.filter(id__in=[customer.id for customer in customers])
    found = rows.annotate(invoice_count=some).values_list("id", "invoice_count")
    return {id_: counted(number, _MOST_OF_ONE) for id_, number in found}


class _RowCount(Subquery):
    """The number of rows of a query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def count_of_invoices(member: Member, customer: Customer) -> Count:
    """Return the number of invoices of *customer*, as far as *member* may see them."""
    return count_up_to(invoices_of_customer(member, customer))


def has_invoices(member: Member) -> bool:
    """Return whether the organisation that *member* is of has an invoice."""
    return invoices_for_member(member).exists()


def invoice_for_member(member: Member, invoice_id: str) -> Invoice:
    """Return an invoice of the organisation that *member* is of, hidden too, or raise Http404."""
    return only_invoice(_all_invoices(member), invoice_id)


def invoices_numbered(organisation: Organisation, numbers: Iterable[str]) -> Iterator[Invoice]:
    """Yield the invoices of *organisation* with one of *numbers*: for its own import.

    Of several with one number, the one that was typed or imported comes last.
    """
    wanted = [number for number in dict.fromkeys(numbers) if number]
    for start in range(0, len(wanted), _AT_ONCE):
        found = Invoice.objects.filter(
            organisation=organisation, number__in=wanted[start : start + _AT_ONCE]
        ).select_related("customer", "organisation")
        yield from sorted(found, key=lambda invoice: invoice.integration_id is None)


def invoices_by_source(
    organisation: Organisation, source_ids: Iterable[str]
) -> dict[str, list[Invoice]]:
    """Return the invoices of *organisation* with one of these ids in its system, by the ids.

    Those that come from an integration are left out: their ids are the integration's.
    """
    wanted = [source_id for source_id in dict.fromkeys(source_ids) if source_id]
    found: dict[str, list[Invoice]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        rows = Invoice.objects.filter(
            organisation=organisation,
            integration=None,
            source_id__gt="",
            source_id__in=wanted[start : start + _AT_ONCE],
        )
        for invoice in rows.select_related("customer", "organisation"):
            found.setdefault(invoice.source_id, []).append(invoice)
    return found


def invoices_found(member: Member, *, number: str = "", customer_id: str = "") -> QuerySet[Invoice]:
    """Return the invoices of *member*'s organisation with this number, and of this customer.

    Each is left out of the search if it is empty.
    """
    found = invoices_for_member(member)
    found = found.filter(number=number) if number else found
    return found.filter(customer_id=customer_id) if customer_id else found


def invoices_changed(member: Member, since: datetime, until: datetime) -> QuerySet[Invoice]:
    """Return the invoices of *member*'s organisation that changed from *since* on, before *until*.

    Hidden ones too: to hide one is a change.
    """
    return _all_invoices(member).filter(changed_at__gte=since, changed_at__lt=until)


def has_padded_number(organisation: Organisation) -> bool:
    """Return whether an invoice of *organisation* has a number that begins with a zero."""
    ours = Invoice.objects.filter(organisation=organisation)
    return ours.filter(number__gte="0", number__lt="1").exists()


def invoices_by_id(organisation: Organisation, ids: Sequence[str]) -> dict[str, Invoice]:
    """Return the invoices of *organisation* with one of *ids*, by these: for its own import."""
    return {
        invoice.id: invoice
        for start in range(0, len(ids), _AT_ONCE)
        for invoice in Invoice.objects.filter(
            organisation=organisation, id__in=ids[start : start + _AT_ONCE]
        ).select_related("customer", "organisation")
    }


def only_invoice(invoices: QuerySet[Invoice], invoice_id: str) -> Invoice:
    """Return that one of *invoices*, or raise Http404."""
    try:
        return invoices.get(id=invoice_id)
    except Invoice.DoesNotExist:
        raise Http404 from None


def invoice_ids_numbered(member: Member, number: str) -> list[str]:
    """Return the ids of the invoices of *member*'s organisation with this number, in any case."""
    spellings = {number, number.upper(), number.lower()}
    ours = Invoice.objects.filter(organisation_id=member.organisation_id, number__in=spellings)
    return list(ours.values_list("id", flat=True)[:_NUMBERED])
