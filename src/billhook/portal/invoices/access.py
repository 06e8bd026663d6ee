"""The only way to the rows of invoices: each function says who is asking."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Customer
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.organisations.models import Member


def invoices_for_contact(user: User) -> QuerySet[Invoice]:
    """Return the invoices of all customers that *user* is a contact of; never a draft."""
    return (
        Invoice.objects.filter(customer__contacts__user=user)
        .exclude(status=Status.DRAFT)
        .select_related("customer", "organisation")
    )


def invoice_for_contact(user: User, invoice_id: str) -> Invoice:
    """Return the invoice if *user* is a contact of its customer and it is no draft.

    Raises:
        Http404: if there is none, or it isn't theirs: nobody can see which.
    """
    return _only(invoices_for_contact(user), invoice_id)


def invoices_for_member(member: Member) -> QuerySet[Invoice]:
    """Return all invoices of the organisation that *member* is of, drafts too."""
    return Invoice.objects.filter(organisation_id=member.organisation_id).select_related(
        "customer", "organisation"
    )


def newest_invoices(member: Member, *, most: int) -> list[Invoice]:
    """Return the newest invoices of the organisation that *member* is of."""
    return list(invoices_for_member(member).order_by("-issued_on", "-number")[:most])


def invoices_of_customer(member: Member, customer: Customer) -> QuerySet[Invoice]:
    """Return the invoices of *customer*, as far as *member* may see them."""
    return invoices_for_member(member).filter(customer=customer)


def has_invoices(member: Member) -> bool:
    """Return whether the organisation that *member* is of has an invoice."""
    return invoices_for_member(member).exists()


def invoice_for_member(member: Member, invoice_id: str) -> Invoice:
    """Return an invoice of the organisation that *member* is of, or raise Http404."""
    return _only(invoices_for_member(member), invoice_id)


def _only(invoices: QuerySet[Invoice], invoice_id: str) -> Invoice:
    try:
        return invoices.get(id=invoice_id)
    except Invoice.DoesNotExist:
        raise Http404 from None
