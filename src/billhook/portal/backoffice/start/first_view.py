"""Everything that one's own first VIEW takes: integration, customer, contact and invoice."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from billhook.portal.customers.access import contacts_for_member, customers_for_member
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.services import invite_contact, save_customer
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.services import create_integration
from billhook.portal.invoices.access import invoices_for_member
from billhook.portal.invoices.services import InvoiceFacts, save_invoice
from billhook.portal.organisations.models import Member


def save_first_view(
    *, member: Member, draft: Draft, number: str, customer_name: str, email: str
) -> Contact:
    """Save *draft*, and let the person of *email* see invoice *number*. No mail is sent.

    A new invoice has today's date and no amount: an import, or an edit, completes it.

    Raises:
        ConfigurationError: with every problem in *draft*; nothing is saved then.
    """
    with transaction.atomic():
        create_integration(organisation=member.organisation, draft=draft)
        customer = _customer_of(member, number) or _new_customer(member, customer_name)
        if not invoices_for_member(member).filter(number=number).exists():
            save_invoice(customer=customer, facts=_facts(number))
        known = contacts_for_member(member, customer).filter(user__email=email.lower()).first()
        return known or invite_contact(customer=customer, email=email)


def _customer_of(member: Member, number: str) -> Customer | None:
    known = invoices_for_member(member).filter(number=number).first()
    return known.customer if known else None


def _new_customer(member: Member, name: str) -> Customer:
    taken = set(customers_for_member(member).values_list("number", flat=True))
    number = next(text for each in range(1, len(taken) + 2) if (text := str(each)) not in taken)
    return save_customer(organisation=member.organisation, name=name, number=number)


def _facts(number: str) -> InvoiceFacts:
    nothing = Decimal("0.00")
    return InvoiceFacts(
        number=number,
        issued_on=timezone.localdate(),
        amount=nothing,
        open_amount=nothing,
        currency="EUR",
    )
