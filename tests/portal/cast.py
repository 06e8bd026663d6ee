"""The people of the tests: two organisations, two customers each, and everybody's role.

Harper IT sends invoices to Acme and Bolt. Alice owns, Bob edits, Vera views; Carla is a contact
of Acme, Carl of Bolt. Northwind sends invoices to Cedar and Dune: Charlie owns it, Cleo is a
contact of Cedar, Dora of Dune. Sam signs in and is nobody's. Whatever is Harper IT's, Charlie must
not see; whatever is Acme's, Carl must not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.test import Client
from django.utils import timezone

from billhook.portal.accounts.models import User
from billhook.portal.customers import services as customers
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.invoices import services as invoices
from billhook.portal.invoices.models import Invoice, Status
from billhook.portal.organisations import services as organisations
from billhook.portal.organisations.models import Member, Organisation, Role

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody, and an invoice of each kind."""

    harper: Organisation
    alice: Member
    bob: Member
    vera: Member
    acme: Customer
    bolt: Customer
    carla: Contact
    carl: Contact
    open: Invoice
    overdue: Invoice
    paid: Invoice
    draft: Invoice
    of_bolt: Invoice

    northwind: Organisation
    charlie: Member
    cedar: Customer
    dune: Customer
    cleo: Contact
    dora: Contact
    of_cedar: Invoice

    sam: User


def make_cast() -> Cast:
    """Make everybody, by the services that the pages use."""
    alice = organisations.create_organisation(
        name="Harper IT", owner_email="alice@harper.example", owner_name="Alice"
    )
    charlie = organisations.create_organisation(
        name="Northwind", owner_email="charlie@northwind.example", owner_name="Charlie"
    )
    harper, northwind = alice.organisation, charlie.organisation
    acme = customer(harper, "C-1", "Acme")
    bolt = customer(harper, "C-2", "Bolt")
    cedar = customer(northwind, "C-1", "Cedar")
    dune = customer(northwind, "C-2", "Dune")
    return Cast(
        harper=harper,
        alice=alice,
        bob=organisations.add_member(
            organisation=harper, email="bob@harper.example", name="Bob", role=Role.EDITOR
        ),
        vera=organisations.add_member(
            organisation=harper, email="vera@harper.example", name="Vera", role=Role.VIEWER
        ),
        acme=acme,
        bolt=bolt,
        carla=customers.invite_contact(customer=acme, email="carla@acme.example", name="Carla"),
        carl=customers.invite_contact(customer=bolt, email="carl@bolt.example", name="Carl"),
        open=invoice(acme, "INV-1", due_in=30),
        overdue=invoice(acme, "INV-2", due_in=-3),
        paid=invoice(acme, "INV-3", due_in=-30, status=Status.PAID),
        draft=invoice(acme, "INV-4", due_in=30, status=Status.DRAFT),
        of_bolt=invoice(bolt, "INV-5", due_in=30),
        northwind=northwind,
        charlie=charlie,
        cedar=cedar,
        dune=dune,
        cleo=customers.invite_contact(customer=cedar, email="cleo@cedar.example", name="Cleo"),
        dora=customers.invite_contact(customer=dune, email="dora@dune.example", name="Dora"),
        of_cedar=invoice(cedar, "INV-1", due_in=30),
        sam=User.objects.create_user("sam@nowhere.example", name="Sam"),
    )


def customer(organisation: Organisation, number: str, name: str) -> Customer:
    """Make a customer."""
    return customers.save_customer(organisation=organisation, number=number, name=name)


def invoice(
    to: Customer,
    number: str,
    *,
    due_in: int | None = 30,
    amount: str = "1240.00",
    open_amount: str | None = None,
    status: Status = Status.OPEN,
    currency: str = "EUR",
    issued_on: date | None = None,
) -> Invoice:
    """Make an invoice that is due in *due_in* days from today."""
    today = timezone.localdate()
    due_on = None if due_in is None else today + timedelta(days=due_in)
    still_open = open_amount or ("0.00" if status in {Status.PAID, Status.CREDITED} else amount)
    return invoices.save_invoice(
        customer=to,
        facts=invoices.InvoiceFacts(
            number=number,
            issued_on=issued_on or (due_on or today) - timedelta(days=30),
            due_on=due_on,
            amount=Decimal(amount),
            open_amount=Decimal(still_open),
            currency=currency,
            status=status,
        ),
    )


def signed_in(who: User | Member | Contact) -> Client:
    """Return a browser in which *who* is signed in."""
    client = Client()
    client.force_login(who if isinstance(who, User) else who.user)
    return client
