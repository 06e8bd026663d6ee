"""Permissions: the rows that :mod:`test_who_may` holds against the URL configuration.

Every route needs a row, else a test fails. A row names, for GET and POST, the relations to the
organisation (or customer) in the URL that may. Everybody else must be refused: signed out, they are
sent to the sign-in page; a member of too low a role gets 403; all others get the very page that
they get for what doesn't exist.

To add rows, write ``ROWS`` into a file ``tests/portal/who_may_<area>.py``; its name is enough::

    from portal.who_may import EDITORS, VIEWERS, Row, Target

    def _customer(target: Target) -> dict[str, object]:
        return {"organisation_id": target.organisation.id, "customer_id": target.customer.id}

    ROWS = {
        "backoffice:customer": Row(get=VIEWERS, post=EDITORS, given=_customer),
    }

``given`` makes the arguments of the URL for a target: first something of Harper IT and Acme, then
something of Northwind and Cedar. It may create rows: each request is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from billhook.engine.body import Body
from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.documents.held import Held, shelf
from billhook.portal.documents.invoice_document import holder_of
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Member, Organisation
from billhook.portal.storage.shelf import Holder
from portal.cast import Cast


class Relation(Enum):
    """The relation of a person to the organisation and customer in a URL."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"
    CONTACT = "contact"
    OTHER = "somebody else"
    SIGNED_OUT = "signed out"


MEMBERS = frozenset({Relation.OWNER, Relation.EDITOR, Relation.VIEWER})
NOBODY: frozenset[Relation] = frozenset()
EVERYBODY = frozenset(Relation)
SIGNED_IN = EVERYBODY - {Relation.SIGNED_OUT}
CONTACTS = frozenset({Relation.CONTACT})
VIEWERS = MEMBERS
EDITORS = frozenset({Relation.OWNER, Relation.EDITOR})
OWNERS = frozenset({Relation.OWNER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something of one organisation and one customer, for the arguments of a URL."""

    organisation: Organisation
    customer: Customer
    contact: Contact
    member: Member
    owner: Member
    invoice: Invoice


def harper(cast: Cast) -> Target:
    """Return Harper IT and its customer Acme."""
    return Target(
        organisation=cast.harper,
        customer=cast.acme,
        contact=cast.carla,
        member=cast.vera,
        owner=cast.alice,
        invoice=cast.open,
    )


def northwind(cast: Cast) -> Target:
    """Return Northwind and its customer Cedar."""
    return Target(
        organisation=cast.northwind,
        customer=cast.cedar,
        contact=cast.cleo,
        member=cast.charlie,
        owner=cast.charlie,
        invoice=cast.of_cedar,
    )


def nothing(_target: Target) -> dict[str, object]:
    """Return the arguments of a URL without any."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The people who may GET and POST a route. ``is_public`` is for pages without sign-in.

    ``is_at_entrance`` is for pages at which a person's own session counts for nothing: there, an
    organisation's own site signs people in.
    """

    get: frozenset[Relation] = NOBODY
    post: frozenset[Relation] = NOBODY
    given: Callable[[Target], Mapping[str, object]] = nothing
    is_public: bool = False
    is_at_entrance: bool = False


def people(cast: Cast) -> dict[str, User | None]:
    """Return everybody by name; nobody is signed in as None."""
    members = ("alice", "bob", "vera", "charlie", "carla", "carl", "cleo", "dora")
    named: dict[str, User | None] = {name: getattr(cast, name).user for name in members}
    return {**named, "sam": cast.sam, "signed out": None}


def relation_of(user: User | None, target: Target) -> Relation:
    """Return the relation of *user* to *target*, derived from the rows themselves."""
    if user is None:
        return Relation.SIGNED_OUT
    member = Member.objects.filter(user=user, organisation=target.organisation).first()
    if member is not None:
        return Relation(member.role)
    is_contact = Contact.objects.filter(user=user, customer=target.customer).exists()
    return Relation.CONTACT if is_contact else Relation.OTHER


def _invoice(target: Target) -> dict[str, object]:
    return {"invoice_id": target.invoice.id}


def _held_file(target: Target) -> dict[str, object]:
    return {**_invoice(target), "token": _token(target)}


def _held_page(target: Target) -> dict[str, object]:
    return {**_held_file(target), "number": 1}


def _token(target: Target) -> str:
    """Return a token as the contact got it; in anybody else's hands it must open nothing."""
    return held_by(holder_of(target.invoice, target.contact.user_id))


def held_by(holder: Holder) -> str:
    """Return the token of a file that is held for *holder*."""
    return Held(
        name=shelf().hold(Body(b"%PDF-1.7"), holder),
        user_id=holder.user_id,
        subject=holder.subject,
        run_id="0" * 12,
        media_type="application/pdf",
        file_name="INV-1.pdf",
        size=8,
        fetched_at=0.0,
        organisation_id=holder.organisation_id,
    ).token()


def _as_contact(target: Target) -> dict[str, object]:
    return {"contact_id": target.contact.id}


def _invoice_as_contact(target: Target) -> dict[str, object]:
    return {**_as_contact(target), **_invoice(target)}


def _held_as_contact(target: Target) -> dict[str, object]:
    holder = Holder(
        user_id="",
        subject=f"invoice:{target.invoice.id}:as:{target.contact.id}",
        organisation_id=target.organisation.id,
    )
    token = held_by(holder)
    return {**_invoice_as_contact(target), "token": token}


def _held_page_as_contact(target: Target) -> dict[str, object]:
    return {**_held_as_contact(target), "number": 1}


def _at_entrance(target: Target) -> dict[str, object]:
    return {"entrance_kind": "from", "organisation_id": target.organisation.id}


def _invoice_at_entrance(target: Target) -> dict[str, object]:
    return {**_at_entrance(target), **_invoice(target)}


def _held_at_entrance(target: Target) -> dict[str, object]:
    return {**_at_entrance(target), **_held_file(target)}


def _held_page_at_entrance(target: Target) -> dict[str, object]:
    return {**_at_entrance(target), **_held_page(target)}


def _organisation(target: Target) -> dict[str, object]:
    return {"organisation_id": target.organisation.id}


ROWS = {
    "handover": Row(is_public=True),  # no organisation here has the command that it needs
    "handover-to": Row(is_public=True, given=_organisation),
    "entrance:home": Row(is_at_entrance=True, given=_at_entrance),
    "entrance:leave": Row(is_at_entrance=True, given=_at_entrance),
    "entrance:invoice": Row(is_at_entrance=True, given=_invoice_at_entrance),
    "entrance:document": Row(is_at_entrance=True, given=_invoice_at_entrance),
    "entrance:pay": Row(is_at_entrance=True, given=_invoice_at_entrance),
    "entrance:pages": Row(is_at_entrance=True, given=_invoice_at_entrance),
    "entrance:held-text": Row(is_at_entrance=True, given=_held_at_entrance),
    "entrance:held-e-invoice": Row(is_at_entrance=True, given=_held_at_entrance),
    "entrance:held-document": Row(is_at_entrance=True, given=_held_at_entrance),
    "entrance:held-page": Row(is_at_entrance=True, given=_held_page_at_entrance),
    "as:home": Row(get=EDITORS, given=_as_contact),
    "as:invoice": Row(get=EDITORS, given=_invoice_as_contact),
    "as:document": Row(get=EDITORS, given=_invoice_as_contact),
    "as:pages": Row(get=EDITORS, given=_invoice_as_contact),
    "as:held-text": Row(get=EDITORS, given=_held_as_contact),
    "as:held-e-invoice": Row(get=EDITORS, given=_held_as_contact),
    "as:held-document": Row(get=EDITORS, given=_held_as_contact),
    "as:held-page": Row(get=EDITORS, given=_held_page_as_contact),
    **{
        f"entrance:statement{kind}": Row(is_at_entrance=True, given=_at_entrance)
        for kind in ("", "-pdf", "-csv")
    },
    "as:statement": Row(get=EDITORS, given=_as_contact),
    "as:statement-pdf": Row(get=EDITORS, given=_as_contact),
    "as:statement-csv": Row(get=EDITORS, given=_as_contact),
    "statement": Row(get=SIGNED_IN),  # of the person's own customers alone
    "statement-pdf": Row(get=SIGNED_IN),
    "statement-csv": Row(get=SIGNED_IN),
    "home": Row(get=SIGNED_IN),
    "invoice": Row(get=CONTACTS, given=_invoice),
    "document": Row(get=CONTACTS, given=_invoice),
    "pages": Row(get=CONTACTS, given=_invoice),
    "pay": Row(get=CONTACTS, given=_invoice),
    "held-e-invoice": Row(get=CONTACTS, given=_held_file),
    "held-document": Row(get=CONTACTS, given=_held_file),
    "held-text": Row(get=CONTACTS, given=_held_file),
    "held-page": Row(get=CONTACTS, given=_held_page),
    "account_request_login_code": Row(get=EVERYBODY, post=EVERYBODY, is_public=True),
    "account_confirm_login_code": Row(get=EVERYBODY, post=EVERYBODY, is_public=True),
    "account_login": Row(get=EVERYBODY, post=EVERYBODY, is_public=True),
    "account_logout": Row(get=EVERYBODY, post=EVERYBODY, is_public=True),
    "account_change_password": Row(get=SIGNED_IN, post=SIGNED_IN),
    "account_set_password": Row(get=SIGNED_IN, post=SIGNED_IN),
    "settings": Row(get=SIGNED_IN, post=SIGNED_IN),
    "setup": Row(is_public=True),  # gone once there is an organisation
}
