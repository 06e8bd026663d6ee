"""Fills a new data folder, in a process of its own, and prints what a test has to know."""

from __future__ import annotations

import json
import sys

from billhook.server.django_setup import set_up_django

set_up_django()

from billhook.engine.config import CommandConfig, StepConfig  # noqa: E402
from billhook.engine.secret import Secret  # noqa: E402
from billhook.portal.integrations.drafts import Draft, SecretEntry  # noqa: E402
from billhook.portal.integrations.services import create_api_key, create_integration  # noqa: E402
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
    return {"integration": integration.id, "key": key.value.reveal()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(seed(*sys.argv[1:])))
