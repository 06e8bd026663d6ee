"""The tour of the demo: the person and the invoice of the first VIEW, and the VIEW itself."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Final

from django.db import connection

from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Customer
from billhook.portal.documents.token_values import Click
from billhook.portal.installation import environment
from billhook.portal.invoices.access import invoices_for_contact
from billhook.portal.invoices.models import Invoice
from billhook.server.demo.first_view import NoVisit, view_invoice
from billhook.server.demo.report import DemoFacts, DemoPerson, Teller
from billhook.server.demo.sample_process import SampleProcess
from billhook.server.demo.seed import OWNER
from billhook.server.demo.state import DemoState

CONTACT: Final = "dana@meridian.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """Everything that the first VIEW needs. Without *click* there is no invoice to look at."""

    facts: DemoFacts
    sample: SampleProcess
    click: Click | None


def plan_tour(*, address: str, sample: SampleProcess, state: DemoState) -> Tour:
    """Find out who can look at what."""
    contact = User.objects.get(email=CONTACT)
    owner = User.objects.get(email=OWNER[0])
    invoice = invoices_for_contact(contact).order_by("number").first()
    facts = DemoFacts(
        address=address,
        sample_address=sample.address,
        data_dir=environment.current().data_dir,
        invoices=Invoice.objects.count(),
        customers=Customer.objects.count(),
        contact=_person(contact, invoice.customer.name if invoice else "nobody's contact"),
        member=_person(owner, "owner"),
        password=state.password,
        sample_key=state.sample_key,
    )
    click = Click(invoice=invoice, user=contact) if invoice else None
    return Tour(facts=facts, sample=sample, click=click)


def _person(user: User, what: str) -> DemoPerson:
    return DemoPerson(name=user.name, what=what, email=user.email)


def go_on_tour(tour: Tour, teller: Teller) -> None:
    """Make one VIEW as soon as the server responds, in parallel, and have it reported."""
    threading.Thread(target=_look, args=(tour, teller), name="tour", daemon=True).start()


def _look(tour: Tour, teller: Teller) -> None:
    if tour.click is None:
        teller.tell_no_view(tour.facts, f"{tour.facts.contact.name} has no invoice any more.")
        return
    try:
        view = view_invoice(
            address=tour.facts.address, click=tour.click, password=tour.facts.password
        )
        made = tour.sample.document(tour.click.invoice.number)
    except (NoVisit, OSError) as problem:
        teller.tell_no_view(tour.facts, str(problem))
    else:
        is_same = hashlib.sha256(made).hexdigest() == view.sha256
        teller.tell_view(tour.facts, view, is_same=is_same)
    finally:
        connection.close()
