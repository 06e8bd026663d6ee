"""Fills a new database with the demo's organisation, as an import from the sample system would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.hashers import make_password
from django.db import transaction

from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import invite_contact, save_customer
from billhook.portal.integrations.drafts import Draft, SecretEntry
from billhook.portal.integrations.services import create_integration
from billhook.portal.invoices.models import Status
from billhook.portal.invoices.services import InvoiceFacts, save_invoice
from billhook.portal.organisations.models import Member, Organisation, Role
from billhook.portal.organisations.services import (
    add_member,
    change_organisation,
    create_organisation,
)

ORGANISATION: Final = "Alder & Finch"
SUPPORT: Final = "accounts@alderfinch.example"
OWNER: Final = ("maeve@alderfinch.example", "Maeve Alder")
MEMBERS: Final = (
    ("sam@alderfinch.example", "Sam Finch", Role.EDITOR),
    ("ines@alderfinch.example", "Inês Duarte", Role.VIEWER),
)
INTEGRATION: Final = "Alder & Finch billing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBooks:
    """The lists of the sample system, and how to reach it."""

    address: str
    key: str = field(repr=False)
    customers: Sequence[Mapping[str, Any]]
    invoices: Sequence[Mapping[str, Any]]


def seed_demo(books: SampleBooks, *, password: str) -> None:
    """Make the organisation with all that belongs to it, or nothing of it."""
    with transaction.atomic():
        owner = create_organisation(name=ORGANISATION, owner_email=OWNER[0], owner_name=OWNER[1])
        organisation = change_organisation(
            organisation=owner.organisation,
            name=ORGANISATION,
            support_email=SUPPORT,
            runs_kept_days=owner.organisation.runs_kept_days,
        )
        _add_members(organisation)
        customers = _add_customers(organisation, books.customers)
        for row in books.invoices:
            save_invoice(customer=customers[row["customer"]], facts=_facts(row))
        create_integration(organisation=organisation, draft=demo_integration(books))
        _give_everybody(password)


def is_seeded() -> bool:
    """Say whether the demo's organisation is there."""
    return Member.objects.filter(user__email=OWNER[0]).exists()


def demo_integration(books: SampleBooks) -> Draft:
    """Return the Custom integration with the sample system, as a member would type it."""
    return Draft(
        name=INTEGRATION,
        variables={"BaseUrl": books.address},
        secrets=(SecretEntry(name="ApiKey", value=Secret(books.key)),),
        commands=(
            CommandConfig(
                name="GetInvoiceImage",
                steps=(
                    StepConfig(
                        method="GET",
                        url="{{BaseUrl}}/invoices/{{InvoiceNumber}}/pdf",
                        headers=(("X-Api-Key", "{{ApiKey}}"), ("Accept", "application/pdf")),
                    ),
                ),
            ),
        ),
    )


def _add_members(organisation: Organisation) -> None:
    for email, name, role in MEMBERS:
        add_member(organisation=organisation, email=email, name=name, role=role)


def _add_customers(
    organisation: Organisation, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Customer]:
    customers = {}
    for row in rows:
        customer = save_customer(
            organisation=organisation,
            number=row["number"],
            name=row["name"],
            locale=row["locale"],
        )
        for contact in row["contacts"]:
            invite_contact(customer=customer, email=contact["email"], name=contact["name"])
        customers[customer.number] = customer
    return customers


def _facts(row: Mapping[str, Any]) -> InvoiceFacts:
    return InvoiceFacts(
        number=row["number"],
        issued_on=date.fromisoformat(row["date"]),
        due_on=date.fromisoformat(row["due_date"]),
        amount=Decimal(row["amount"]),
        open_amount=Decimal(row["open_amount"]),
        currency=row["currency"],
        status=Status(row["status"]),
        source_id=str(row["id"]),
    )


def _give_everybody(password: str) -> None:
    """Let everybody sign in with the same password; it is hashed only once."""
    User.objects.update(password=make_password(password))
