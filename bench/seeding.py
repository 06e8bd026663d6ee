"""Fills a new data folder: an integration, an API key, an invoice, and its contact signed in.

Run as a process of its own; it prints what the load needs as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from decimal import Decimal
from importlib import import_module

from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.secret import Secret
from billhook.server.django_setup import set_up_django

set_up_django()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402

from billhook.portal.accounts.models import User  # noqa: E402
from billhook.portal.customers.services import invite_contact, save_customer  # noqa: E402
from billhook.portal.integrations.drafts import Draft, SecretEntry  # noqa: E402
from billhook.portal.integrations.models import Keeping  # noqa: E402
from billhook.portal.integrations.services import create_api_key, create_integration  # noqa: E402
from billhook.portal.invoices.models import Status  # noqa: E402
from billhook.portal.invoices.services import InvoiceFacts, save_invoice  # noqa: E402
from billhook.portal.organisations.services import create_organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402

INVOICES = 200


def seed(origin: str, source_key: str, count: int = INVOICES) -> dict[str, str]:
    """Fill the database and return what the load has to know."""
    prepare_database()
    owner = create_organisation(name="Bench", owner_email="owner@bench.example")
    organisation = owner.organisation
    customer = save_customer(organisation=organisation, number="C1", name="Customer", locale="en")
    contact = invite_contact(customer=customer, email="contact@bench.example", name="Contact")
    invoices = [
        save_invoice(customer=customer, facts=invoice_facts(number))
        for number in range(1, count + 1)
    ]
    integration = create_integration(organisation=organisation, draft=_draft(origin, source_key))
    key = create_api_key(organisation=organisation, name="bench", user=owner.user)
    return {
        "integration": integration.id,
        "key": key.value.reveal(),
        "invoice": invoices[0].id,
        "invoices": " ".join(invoice.id for invoice in invoices),
        "cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(contact.user)}",
    }


def _draft(origin: str, source_key: str) -> Draft:
    step = StepConfig(
        method="GET",
        url="{{BaseUrl}}/items/{{InvoiceNumber}}",
        headers=(("X-Api-Key", "{{ApiKey}}"),),
    )
    return Draft(
        name="Origin",
        variables={"BaseUrl": origin},
        secrets=(SecretEntry(name="ApiKey", value=Secret(source_key)),),
        commands=(CommandConfig(name="GetInvoiceImage", steps=(step,)),),
        keeping=Keeping.OFF,  # nginx gives ETags: VIEW would show what it has kept
    )


def invoice_facts(number: int) -> InvoiceFacts:
    """Return the facts of one of many equal invoices."""
    return InvoiceFacts(
        number=f"INV{number:07}",
        issued_on=date(2024, 5, 1),
        due_on=date(2024, 6, 1),
        amount=Decimal("119.00"),
        open_amount=Decimal("119.00"),
        currency="EUR",
        status=Status.OPEN,
        source_id=str(number),
    )


def session_of(user: User) -> str:
    """Sign *user* in, as the sign-in page does, and return the session's key."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = user.pk
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    print(json.dumps(seed(*sys.argv[1:3], *map(int, sys.argv[3:]))))
