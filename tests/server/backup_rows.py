"""Fills an installation, prints all of it, or writes into it without pause: in its own process."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from itertools import count
from typing import Any

from billhook.server.backup.rows import NOT_KEPT
from billhook.server.django_setup import set_up_django

set_up_django()

from django.apps import apps  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from billhook.engine.config import CommandConfig, StepConfig  # noqa: E402
from billhook.engine.secret import Secret  # noqa: E402
from billhook.portal.installation import environment  # noqa: E402
from billhook.portal.installation.data_folder import signing_key  # noqa: E402
from billhook.portal.integrations.drafts import Draft, SecretEntry  # noqa: E402
from billhook.portal.integrations.models import Integration, StoredSecret  # noqa: E402
from billhook.portal.integrations.services import create_api_key, create_integration  # noqa: E402
from billhook.portal.integrations.vault import decrypt_secret, key_ring  # noqa: E402
from billhook.portal.invoices.models import Invoice  # noqa: E402
from billhook.portal.runs.models import Run, RunKind  # noqa: E402
from billhook.server.backup.making import make_backup  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402
from portal.cast import customer, invoice, make_cast  # noqa: E402

_NOBODY = 65534
CHANGING = {"backups.lastbackup", *NOT_KEPT}
"""Tables that a restored installation may have otherwise."""
GENERATED = {"contenttypes.contenttype", "auth.permission"}


def fill() -> None:
    """Make two organisations with everything that can be stored."""
    prepare_database()
    signing_key()
    cast = make_cast()
    step = StepConfig(
        url="https://billing.example/items/{{InvoiceNumber}}",
        headers=(("X-Api-Key", "{{ApiKey}}"),),
    )
    integration = create_integration(
        organisation=cast.harper,
        draft=Draft(
            name="Bücher & Co",
            variables={"Z": "Zoë “quoted” 💶", "A": "2"},
            secrets=(SecretEntry(name="ApiKey", value=Secret("canary-secret")),),
            commands=(CommandConfig(name="GetInvoiceImage", steps=(step,)),),
        ),
    )
    create_api_key(organisation=cast.harper, name="shop", user=cast.alice.user)
    for number in range(50):
        Run.objects.create(
            organisation=cast.harper,
            integration=integration,
            command="GetInvoiceImage",
            kind=RunKind.VIEW,
            user=cast.carla.user,
            invoice=cast.open,
            outcome="ok",
            attempts=[{"status": 200, "ms": 1.5, "note": None, "z": [True, "ü"]}],
            started_at=timezone.now(),
            milliseconds=number + 0.25,
            document_bytes=2**40,
        )


def dump() -> dict[str, Any]:
    """Return every row of every table, and the secrets as they can be read."""
    rows = {
        model._meta.label_lower: sorted(
            ([_plain(value) for value in row] for row in model._base_manager.values_list()),
            key=str,
        )
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label_lower not in CHANGING | GENERATED
    }
    ring = key_ring()
    stored = StoredSecret.objects.select_related("integration")
    secrets = {row.name: decrypt_secret(row, ring=ring).reveal() for row in stored}
    return {"rows": rows, "secrets": secrets, "signing": signing_key()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return value if isinstance(value, dict | list | int | float) else str(value)


def write() -> None:
    """Write pairs, a customer with its invoice, until the process is ended."""
    organisation = Integration.objects.get().organisation
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    for number in count():
        with transaction.atomic():
            new = customer(organisation, f"W-{number:06}", f"Written {number}")
            invoice(new, f"W-{number:06}")
        time.sleep(0.001)


def written() -> dict[str, Any]:
    """Return the numbers of the pairs, as invoices and as customers."""
    invoices = Invoice.objects.filter(number__startswith="W-").order_by("number")
    return {
        "invoices": list(invoices.values_list("number", flat=True)),
        "customers": list(invoices.values_list("customer__number", flat=True)),
    }


def go_on() -> None:
    """Make rows whose numbers the database gives."""
    model = apps.get_model("account.emailaddress")
    user = apps.get_model("accounts.user").objects.order_by("email").first()
    for number in range(3):
        model.objects.create(user=user, email=f"{number}-{time.time_ns()}@acme.example")


def migrate_back() -> None:
    """Bring the tables back to what an earlier version had."""
    from django.core.management import call_command

    call_command("migrate", "mail", "0001", verbosity=0)
    call_command("migrate", "backups", "zero", verbosity=0)


def back_up_as_root() -> None:
    """Back up twice: as root for itself, and then as root for another user.

    The first time loads every module, as the other user may not read the packages of the tests.
    """
    folder = environment.current().data_dir
    make_backup(folder.parent / "backup-1", data_dir=None)
    for path in (folder, *folder.iterdir()):
        os.chown(path, _NOBODY, _NOBODY)
    make_backup(folder.parent / "backup-2", data_dir=None)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(globals()[sys.argv[1]](), default=str))
