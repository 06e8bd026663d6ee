"""The sample in an organisation: an integration, a customer, a contact and three invoices."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.utils import timezone

from billhook.engine.config import CommandConfig, StepConfig
from billhook.portal.customers.access import contacts_of_email
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.services import invite_contact, remove_customer, save_customer
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.integrations.access import integrations_asking
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.models import Integration, Keeping
from billhook.portal.integrations.sample_source import AT_ONCE, FAILING, SAMPLE_ADDRESS, SLOW
from billhook.portal.integrations.services import create_integration, delete_integration
from billhook.portal.invoices.access import invoices_of_customer
from billhook.portal.invoices.services import InvoiceFacts, remove_invoice, save_invoice
from billhook.portal.organisations.models import Member

NAME: Final = "Sample billing system"
_AMOUNTS: Final = {AT_ONCE: "240.00", SLOW: "1180.50", FAILING: "96.00"}


def sample_contact(member: Member) -> Contact | None:
    """Return the sample's contact, if the sample is there."""
    return contacts_of_email(member, _email(member)).first()


def sample_integrations(member: Member) -> list[Integration]:
    """Return the integrations of *member*'s organisation that ask the sample."""
    address = f"{SAMPLE_ADDRESS}/"
    return [
        row
        for row in integrations_asking(member, address)
        if any(
            str(step.get("url", "")).startswith(address)
            for command in row.commands
            for step in command.get("steps", [command])
        )
    ]


def add_sample(member: Member) -> Contact:
    """Add the sample to *member*'s organisation, unless it is there, and return its contact."""
    known = sample_contact(member)
    if known is not None:
        return known
    with transaction.atomic():
        customer = save_customer(
            organisation=member.organisation, name="Sample Customer", number="SAMPLE"
        )
        for number, amount in _AMOUNTS.items():
            save_invoice(customer=customer, facts=_facts(number, Decimal(amount)))
        create_integration(organisation=member.organisation, draft=_draft())
        return invite_contact(customer=customer, email=_email(member), name="Sample Contact")


def remove_sample(member: Member) -> None:
    """Remove all of the sample. Its runs stay in the list."""
    contact = sample_contact(member)
    with transaction.atomic():
        for row in sample_integrations(member):
            delete_integration(integration=row)
        if contact is not None:
            _remove_customer(member, contact.customer)
            contact.user.delete()


def _remove_customer(member: Member, customer: Customer) -> None:
    for invoice in invoices_of_customer(member, customer):
        remove_invoice(invoice=invoice)
    remove_customer(customer=customer)


def _email(member: Member) -> str:
    """Return an address of the sample's contact: nobody has it, so nobody can sign in with it."""
    return f"sample@{member.organisation_id}.invalid"


def _facts(number: str, amount: Decimal) -> InvoiceFacts:
    today = timezone.localdate()
    return InvoiceFacts(
        number=number,
        issued_on=today,
        due_on=today + timedelta(days=30),
        amount=amount,
        open_amount=amount,
        currency="EUR",
    )


def _draft() -> Draft:
    step = StepConfig(url=f"{SAMPLE_ADDRESS}/invoices/{{{{InvoiceNumber}}}}/pdf")
    command = CommandConfig(name=INVOICE_COMMAND, steps=(step,))
    return Draft(name=NAME, commands=(command,), keeping=Keeping.OFF)
