"""Fills a new data folder, in a process of its own, and prints what a test has to know."""

from __future__ import annotations

import json
import sys
from datetime import date
from decimal import Decimal

from billhook.server.django_setup import set_up_django

set_up_django()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from billhook.engine.config import CommandConfig, StepConfig  # noqa: E402
from billhook.engine.secret import Secret  # noqa: E402
from billhook.portal.accounts.models import User  # noqa: E402
from billhook.portal.customers.services import invite_contact, save_customer  # noqa: E402
from billhook.portal.fields.key_scopes import SCOPES  # noqa: E402
from billhook.portal.integrations.drafts import Draft, SecretEntry  # noqa: E402
from billhook.portal.integrations.services import create_api_key, create_integration  # noqa: E402
from billhook.portal.invoices.models import Status  # noqa: E402
from billhook.portal.invoices.services import InvoiceFacts, save_invoice  # noqa: E402
from billhook.portal.organisations.services import create_organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402


def seed(source: str) -> dict[str, str]:
    """Make an organisation whose integration asks *source*."""
    prepare_database()
    owner = create_organisation(name="Acme", owner_email="owner@acme.example")
    step = StepConfig(
        url="{{BaseUrl}}/items/{{InvoiceNumber}}", headers=(("X-Api-Key", "{{ApiKey}}"),)
    )
    integration = create_integration(
        organisation=owner.organisation,
        draft=Draft(
            name="Acme billing",
            variables={"BaseUrl": source},
            secrets=(SecretEntry(name="ApiKey", value=Secret("a-secret")),),
            commands=(CommandConfig(name="GetInvoiceImage", steps=(step,)),),
        ),
    )
    key = create_api_key(organisation=owner.organisation, name="test", user=owner.user)
    for_api = create_api_key(
        organisation=owner.organisation, name="api", user=owner.user, scopes=list(SCOPES)
    )
    customer = save_customer(organisation=owner.organisation, number="C-1", name="Bolt")
    contact = invite_contact(customer=customer, email="carl@bolt.example", name="Carl")
    other = invite_contact(customer=customer, email="cora@bolt.example", name="Cora")
    facts = InvoiceFacts(
        number="INV-1",
        issued_on=date(2026, 11, 1),
        due_on=None,
        amount=Decimal(1),
        open_amount=Decimal(1),
        currency="EUR",
        status=Status.OPEN,
    )
    invoice = save_invoice(customer=customer, facts=facts)
    return {
        "integration": integration.id,
        "key": key.value.reveal(),
        "api_key": for_api.value.reveal(),
        "api_key_id": for_api.row.id,
        "invoice": invoice.id,
        "cookie": _session_cookie(contact.user),
        "organisation": owner.organisation_id,
        "owner": _session_cookie(owner.user),
        "key_id": key.row.id,
        "customer": customer.id,
        "other_contact": other.id,
        "other_cookie": _session_cookie(other.user),
    }


def _session_cookie(user: User) -> str:
    """Return the cookie of a browser in which *user* is signed in."""
    browser = Client()
    browser.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(seed(*sys.argv[1:])))
