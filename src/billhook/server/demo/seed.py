"""Fills a new database with the demo's organisation; its invoices come by a sync."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from django.contrib.auth.hashers import make_password
from django.db import transaction

from billhook.engine.integration_file.file import read_integration
from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of_file
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.services import create_integration
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.organisations.models import Member, Organisation, Role
from billhook.portal.organisations.services import (
    add_member,
    change_organisation,
    create_organisation,
)
from billhook.portal.sync.models import SyncSource
from billhook.portal.sync.services import new_nudge_secret, start_sync, sync_of
from billhook.server.errors import CannotStart

ORGANISATION: Final = "Alder & Finch"
SUPPORT: Final = "accounts@alderfinch.example"
OWNER: Final = ("maeve@alderfinch.example", "Maeve Alder")
MEMBERS: Final = (
    ("sam@alderfinch.example", "Sam Finch", Role.EDITOR),
    ("ines@alderfinch.example", "Inês Duarte", Role.VIEWER),
)
INTEGRATION: Final = "Alder & Finch billing"
FILE: Final = """format = 1

[integration]
name = "Alder & Finch billing"
variables = { BaseUrl = "http://127.0.0.1:1" }
secrets = ["ApiKey"]

[commands.GetInvoiceImage]
url = "{{BaseUrl}}/invoices/{{InvoiceNumber}}/pdf"
headers = [["X-Api-Key", "{{ApiKey}}"], ["Accept", "application/pdf"]]

[commands.GetStatement]
url = "{{BaseUrl}}/customers/{{CustomerId}}/statement?from={{StatementStart}}&to={{StatementEnd}}"
headers = [["X-Api-Key", "{{ApiKey}}"], ["Accept", "application/pdf"]]

[commands.GetPaymentLink]
url = "{{BaseUrl}}/invoices/{{InvoiceNumber}}/payment-link"
headers = [["X-Api-Key", "{{ApiKey}}"]]
answer = { link = "$.url" }
payment_hosts = ["{{BaseUrl}}"]

[commands.ListCustomers]
url = "{{BaseUrl}}/customers"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.customers[*]" }
map = { id = "$.number", number = "$.number", name = "$.name", locale = "$.locale" }

[commands.ListContacts]
url = "{{BaseUrl}}/contacts"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.contacts[*]" }
map = { id = "$.id", customer = "$.customer", name = "$.name", email = "$.email" }

[commands.ListInvoices]
url = "{{BaseUrl}}/invoices"
headers = [["X-Api-Key", "{{ApiKey}}"]]
rows = { json = "$.invoices[*]" }
pages = { kind = "number", param = "page", size = 50, size_param = "size", total = "$.total" }
changes = { kind = "changed", param = "changed_since", format = "iso-seconds" }

[commands.ListInvoices.map]
id = "$.id"
number = "$.number"
customer = "$.customer"
date = "$.date"
due_date = "$.due_date"
amount = "$.amount"
open_amount = "$.open_amount"
currency = "$.currency"
po_number = "$.order"
changed = { json = "$.changed", format = "iso" }

[commands.ListInvoices.map.status]
json = "$.status"

[commands.ListInvoices.map.status.values]
draft = "draft"
open = "open"
part_paid = "part-paid"
paid = "paid"
credited = "void"
"""
"""The integration as a file: what a member would type to connect the sample system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAccess:
    """The address of the sample system, and the key that it expects."""

    address: str
    key: str = field(repr=False)


def seed_demo(access: SampleAccess, *, password: str) -> None:
    """Make the organisation, and let the first sync bring its customers and invoices."""
    with transaction.atomic():
        owner = create_organisation(name=ORGANISATION, owner_email=OWNER[0], owner_name=OWNER[1])
        organisation = change_organisation(
            organisation=owner.organisation,
            name=ORGANISATION,
            support_email=SUPPORT,
            runs_kept_days=owner.organisation.runs_kept_days,
        )
        _add_members(organisation)
        row = create_integration(organisation=organisation, draft=demo_integration(access))
        start_sync(source=sync_of(row))
    run_due_jobs()
    if not SyncSource.objects.filter(good_at__isnull=False).exists():
        raise CannotStart(
            "The invoices of the sample billing system couldn't be read. Start a new demo."
        )
    _give_everybody(password)


def is_seeded() -> bool:
    """Say whether the demo's organisation is there."""
    return Member.objects.filter(user__email=OWNER[0]).exists()


def demo_integration(access: SampleAccess) -> Draft:
    """Return the Custom integration with the sample system, as a member would type it."""
    return replace(
        draft_of_file(read_integration(FILE)),
        variables={"BaseUrl": access.address},
        secrets=(SecretEntry(name="ApiKey", value=Secret(access.key)),),
    )


def new_nudge() -> str:
    """Return the path of a new nudge URL; nothing if somebody has removed the integration."""
    row = Integration.objects.filter(name=INTEGRATION).first()
    if row is None:
        return ""
    return f"/nudge/{row.id}/{new_nudge_secret(source=sync_of(row))}"


def _add_members(organisation: Organisation) -> None:
    for email, name, role in MEMBERS:
        add_member(organisation=organisation, email=email, name=name, role=role)


def _give_everybody(password: str) -> None:
    """Let everybody sign in with the same password; it is hashed only once."""
    User.objects.update(password=make_password(password))
