"""Fills an empty database with many integrations and API keys: arguments are how many, in how many
organisations.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from itertools import islice

from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.secret import Secret
from billhook.server.django_setup import set_up_django

set_up_django()

from django.db import transaction  # noqa: E402

from billhook.portal.integrations.crypto import SecretPlace  # noqa: E402
from billhook.portal.integrations.drafts import Draft, SecretEntry  # noqa: E402
from billhook.portal.integrations.models import ApiKey, Integration, StoredSecret  # noqa: E402
from billhook.portal.integrations.services import create_integration  # noqa: E402
from billhook.portal.integrations.vault import key_ring  # noqa: E402
from billhook.portal.organisations.models import Organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402
from billhook.server.keys import check_keys  # noqa: E402

_AT_ONCE = 2_000
_SECRET = Secret("a-secret-of-the-source")


def main(count: int, organisations: int) -> None:
    """Fill the database that the environment names."""
    prepare_database()
    check_keys()
    owners = [Organisation(name=f"Organisation {n}") for n in range(organisations)]
    Organisation.objects.bulk_create(owners)
    model = create_integration(organisation=owners[0], draft=_draft())
    rows = iter(_copies(model, owners, count - 1))
    while some := list(islice(rows, _AT_ONCE)):
        _write(some, model)


def _draft() -> Draft:
    step = StepConfig(
        method="POST",
        url="{{BaseUrl}}/items/{{InvoiceNumber}}",
        headers=(("Content-Type", "application/json"), ("X-Api-Key", "{{ApiKey}}")),
        body='{ "key1": "value1", "key2": {{InvoiceNumber}} }',
    )
    return Draft(
        name="Billing",
        variables={"BaseUrl": "https://billing.example.com"},
        secrets=(SecretEntry(name="ApiKey", value=_SECRET),),
        commands=(CommandConfig(name="GetInvoiceImage", steps=(step,)),),
    )


def _copies(
    model: Integration, organisations: list[Organisation], count: int
) -> Iterator[Integration]:
    for number in range(1, count + 1):
        yield Integration(
            organisation=organisations[number % len(organisations)],
            name=f"Billing {number}",
            position=number,
            variables=model.variables,
            commands=model.commands,
        )


@transaction.atomic
def _write(rows: list[Integration], model: Integration) -> None:
    ring, bound_to = key_ring(), model.stored_secrets.get().bound_to
    Integration.objects.bulk_create(rows)
    StoredSecret.objects.bulk_create(
        StoredSecret(
            integration=row,
            name="ApiKey",
            ciphertext=ring.encrypt(_SECRET, _place_of(row)),
            bound_to=bound_to,
        )
        for row in rows
    )
    ApiKey.objects.bulk_create(
        ApiKey(
            organisation_id=row.organisation_id,
            name=row.name,
            hint="bhk_…",
            digest=hashlib.sha256(row.id.encode()).hexdigest(),
        )
        for row in rows
    )


def _place_of(row: Integration) -> SecretPlace:
    return SecretPlace(organisation_id=row.organisation_id, integration_id=row.id, name="ApiKey")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
