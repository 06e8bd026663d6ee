"""Fills the data folder of a running demo with the longest names, numbers and amounts there can be.

It runs in a process of its own and prints the number of one of the invoices.
"""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal

from billhook.server.django_setup import set_up_django

set_up_django()

from billhook.engine.config import CommandConfig, StepConfig  # noqa: E402
from billhook.portal.customers.services import invite_contact, save_customer  # noqa: E402
from billhook.portal.integrations.drafts import Draft  # noqa: E402
from billhook.portal.integrations.services import create_api_key, create_integration  # noqa: E402
from billhook.portal.invoices.models import Status  # noqa: E402
from billhook.portal.invoices.services import InvoiceFacts, save_invoice  # noqa: E402
from billhook.portal.organisations.models import Organisation, Role  # noqa: E402
from billhook.portal.organisations.services import add_member  # noqa: E402

NAMES = (
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2 + " mbH",
    ("The Right Honourable Worshipful Company of " * 5)[:190],
    "W" * 200,
    "Acme",
)
NUMBERS = ("8" * 100, "INV-2026/" + "X" * 91, "R" + "-0001" * 19, "7")
AMOUNTS = ("999999999999.99", "-999999999999.99", "1240.00", "0.00")
LOCAL = "a-contact-with-a-very-long-address-that-is-still-allowed.accounts"
EMAILS = tuple(f"{LOCAL[:60]}{index}@{'meridian-dental-group.' * 6}example" for index in range(4))


def crowd(contact_email: str) -> None:
    """Add four customers of one contact with long names, and all that lists show of them."""
    organisation = Organisation.objects.get()
    for index, name in enumerate(NAMES):
        customer = save_customer(
            organisation=organisation, name=name, number=f"{index}" + "9" * 63, locale="en"
        )
        invite_contact(customer=customer, email=contact_email)
        invite_contact(customer=customer, email=EMAILS[index], name=name)
        facts = InvoiceFacts(
            number=NUMBERS[index],
            issued_on=date(2099, 12, 28),
            due_on=date(2099, 12, 31),
            amount=Decimal(AMOUNTS[index]),
            open_amount=Decimal(AMOUNTS[index]),
            currency="EUR",
            status=Status.PART_PAID,
            source_id="S" * 200,
        )
        save_invoice(customer=customer, facts=facts)
        add_member(
            organisation=organisation, email=f"m{EMAILS[index]}", role=Role.VIEWER, name=name
        )
        owner = organisation.members.get(role=Role.OWNER).user
        create_api_key(organisation=organisation, name=name[:100], user=owner)
    command = CommandConfig(name="G" * 60, steps=(StepConfig(url="https://example.com/"),))
    create_integration(organisation=organisation, draft=Draft(name="W" * 100, commands=(command,)))


if __name__ == "__main__":
    crowd(*sys.argv[1:])
