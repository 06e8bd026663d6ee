"""Fills a new data folder for the soak test; it prints what the callers need as JSON."""

from __future__ import annotations

import json
import sys

from django.conf import settings

from bench.seeding import invoice_facts, session_of  # sets Django up
from bench.soak.origin import BEHAVIOURS
from billhook.engine.integration_file.file import read_integration
from billhook.portal.customers.services import invite_contact, save_customer
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.services import create_api_key, create_integration
from billhook.portal.invoices.services import save_invoice
from billhook.portal.organisations.services import create_organisation
from billhook.server.database import prepare_database

INVOICES = 200
TIMEOUT = 3
"""Seconds for each run, so that hanging sources fail soon."""


def seed(origin: str) -> dict[str, object]:
    """Make an organisation with an integration for every behaviour of the origin."""
    prepare_database()
    owner = create_organisation(name="Soak", owner_email="owner@soak.example")
    organisation = owner.organisation
    customer = save_customer(organisation=organisation, number="C1", name="Customer")
    contact = invite_contact(customer=customer, email="contact@soak.example", name="Contact")
    invoices = [
        save_invoice(customer=customer, facts=invoice_facts(number)).id
        for number in range(1, INVOICES + 1)
    ]
    for name in (*BEHAVIOURS, "steps"):
        if name != "find":
            create_integration(organisation=organisation, draft=_draft(name, origin))
    key = create_api_key(organisation=organisation, name="soak", user=owner.user)
    cookie = settings.SESSION_COOKIE_NAME
    return {
        "organisation": organisation.id,
        "key": key.value.reveal(),
        "invoices": invoices,
        "contact": f"{cookie}={session_of(contact.user)}",
        "owner": f"{cookie}={session_of(owner.user)}",
    }


def _draft(name: str, origin: str) -> Draft:
    requests = _STEPS if name == "steps" else f'url = "{{ORIGIN}}/{name}/{{{{InvoiceNumber}}}}"'
    file = read_integration(
        f'format = 1\n[integration]\nname = "{name}"\n[commands.GetInvoiceImage]\n'
        f"timeout = {TIMEOUT}\n{requests}\n".replace("{ORIGIN}", origin)
    )
    return Draft(name=file.name, commands=file.commands)


_STEPS = """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{ORIGIN}/find/{{InvoiceNumber}}"
extract = { Id = "$.items[0].id" }
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{ORIGIN}/good/{{Find.Id}}"
"""


if __name__ == "__main__":
    print(json.dumps(seed(*sys.argv[1:])))
