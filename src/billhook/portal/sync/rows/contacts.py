"""The effect of contact rows on the portal's contacts. Those that members added are never touched.

A contact of the source has a key: its id or, without one, its e-mail within the customer. Each of
its e-mails signs in on its own, so one key may have several contacts of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from billhook.engine.listing.rows import ListedContact, ListedCustomer, ListedInvoice
from billhook.portal.accounts.services import get_or_create_users
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.services import add_synced_contacts, remove_contacts
from billhook.portal.sync.effects import SyncEffect, Tally
from billhook.portal.sync.models import WaitingRow, WaitsFor
from billhook.portal.sync.rows.customers import known_customers
from billhook.portal.sync.rows.row_json import row_to_json
from billhook.portal.sync.rows.texts import fit_email, fit_text, is_key
from billhook.portal.sync.scope import SyncScope

MANY_CUSTOMERS: Final = 5
"""An e-mail at more customers than these is asked about first."""
_OWN: Final = "@"
"""Before a customer's id, the id of the contact that has the customer's own address."""
_KEY_LENGTH: Final = 150
_AT_ONCE: Final = 200


@dataclass(slots=True, kw_only=True)
class PlannedContacts:
    """The effects of the contacts in some rows."""

    tally: Tally = field(default_factory=Tally)
    added: list[tuple[Customer, str, str]] = field(default_factory=list)
    """Customer, address and key of each new contact."""
    names: dict[str, str] = field(default_factory=dict)
    """The names of people by their addresses."""
    removed: list[Contact] = field(default_factory=list)
    waiting: list[WaitingRow] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """The keys of all rows."""


def contacts_of_customers(
    rows: Iterable[ListedCustomer], *, mapped: Collection[str]
) -> list[ListedContact]:
    """Return the contacts within the rows of customers, and those of their own addresses.

    *mapped* are the fields that the rows have. Nobody is a contact of a customer that is inactive.
    """
    found: list[ListedContact] = []
    for row in rows:
        if "email" in mapped:
            own = f"{_OWN}{row.id}"[:200]  # its key stays when its address changes
            is_active = row.active and bool(row.email)
            contact = ListedContact(
                row=row.row, id=own, customer=row.id, email=row.email, active=is_active
            )
            found.append(contact)
        found += [
            replace(each, customer=row.id, active=each.active and row.active)
            for each in row.contacts or ()
        ]
    return found


def contacts_of_invoices(rows: Iterable[ListedInvoice]) -> list[ListedContact]:
    """Return the contacts that the rows of invoices name."""
    return [
        ListedContact(
            row=row.row,
            id="",
            customer=row.customer,
            email=row.contact_email,
            name=row.contact_name,
        )
        for row in rows
        if row.contact_email and row.customer and not row.is_removed
    ]


def contact_keys(row: ListedContact, command: str) -> list[str]:
    """Return the keys of the contact in *row*: one, or one for each address without an id."""
    if row.id:
        return [contact_key(command, row.id)]
    return [contact_key(command, f"{row.customer}:{email}") for email in _emails(row)]


def plan_contacts(
    scope: SyncScope, rows: Sequence[ListedContact], *, command: str, asks: bool = True
) -> PlannedContacts:
    """Return what *rows*, of the list *command*, change.

    With *asks*, an address that would be a contact of many customers waits.
    """
    planned = PlannedContacts()
    rows = [row for row in rows if _is_usable(row, planned.tally)]
    planned.seen = [key for row in rows for key in contact_keys(row, command)]
    customers = known_customers(scope, (row.customer for row in rows))
    planner = _ContactPlanner(
        command=command,
        customers=customers,
        known=_known(scope, planned.seen),
        held=_in_many_places(scope, rows, customers) if asks else set(),
        planned=planned,
    )
    for row in rows:
        planned.tally.count(planner.plan(row))
    return planned


def write_contacts(planned: PlannedContacts, *, scope: SyncScope) -> None:
    """Write *planned*. The caller has a short transaction."""
    remove_contacts(contacts=planned.removed)
    names = {email: planned.names[email] for _, email, _ in planned.added}
    users = get_or_create_users(names=names)
    add_synced_contacts(
        contacts=[
            Contact(
                customer=customer,
                user=users[email],
                integration_id=scope.integration_id,
                source_id=key,
            )
            for customer, email, key in planned.added
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ContactPlanner:
    """Plans one row after the other."""

    command: str
    customers: dict[str, Customer]
    known: dict[str, list[Contact]]
    held: set[str]
    """Addresses that a member is asked about."""
    planned: PlannedContacts

    def plan(self, row: ListedContact) -> SyncEffect:
        """Return the effect of *row*: whose access begins, stays and ends."""
        keys = contact_keys(row, self.command)
        before = [contact for key in keys for contact in self.known.get(key, ())]
        customer = self.customers.get(row.customer)
        is_active = row.active and not row.is_removed and customer is not None
        emails = _emails(row) if is_active else []
        gone = [each for each in before if not _stays(each, customer, emails)]
        self.planned.removed += gone
        if customer is None or not emails:
            return _without_access(row, customer, gone, self.planned)
        if self.held & set(emails):
            self.planned.waiting.append(_waiting(row, self.command, keys[0]))
            return SyncEffect.HELD
        self.planned.settled += keys
        there = {each.user.email for each in before if each.customer_id == customer.id}
        for place, email in enumerate(emails):
            self.planned.names.setdefault(email, fit_text(row.name, 200))
            if email not in there:
                self.planned.added.append((customer, email, keys[min(place, len(keys) - 1)]))
        if there.issuperset(emails) and not gone:
            return SyncEffect.UNCHANGED
        return SyncEffect.CHANGED if before else SyncEffect.NEW


def _stays(contact: Contact, customer: Customer | None, emails: Sequence[str]) -> bool:
    is_there = customer is not None and contact.customer_id == customer.id
    return is_there and contact.user.email in emails


def _without_access(
    row: ListedContact, customer: Customer | None, gone: list[Contact], planned: PlannedContacts
) -> SyncEffect:
    if customer is None:
        planned.tally.note("contact-of-nobody", "A contact's customer isn't known.")
    elif row.active and not row.is_removed:
        planned.tally.note("contact-without-email", "A contact has no e-mail address.")
    return SyncEffect.HIDDEN if gone else SyncEffect.NOT_SHOWN


def _is_usable(row: ListedContact, tally: Tally) -> bool:
    if (not row.id or is_key(row.id, 200)) and is_key(row.customer, 200):
        return True
    tally.refuse("contact-unusable", "A contact's id or customer is missing, or can't be used.")
    return False


def _emails(row: ListedContact) -> list[str]:
    """Return the addresses of *row* that are ones, each once."""
    return list(dict.fromkeys(email for each in row.email if (email := fit_email(each))))


def contact_key(command: str, text: str) -> str:
    """Return a key that says which list the contact is in; a long one is shortened to its hash."""
    if len(text) > _KEY_LENGTH:
        text = hashlib.sha256(text.encode()).hexdigest()
    return f"{command}:{text}"


def _known(scope: SyncScope, keys: Sequence[str]) -> dict[str, list[Contact]]:
    found: dict[str, list[Contact]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        contacts = Contact.objects.filter(
            customer__organisation=scope.organisation,
            integration_id=scope.integration_id,
            source_id__in=keys[start : start + _AT_ONCE],
        )
        for contact in contacts.select_related("user"):
            found.setdefault(contact.source_id, []).append(contact)
    return found


def _in_many_places(
    scope: SyncScope, rows: Sequence[ListedContact], customers: dict[str, Customer]
) -> set[str]:
    """Return the addresses that would be contacts of more customers than usual."""
    places: dict[str, set[str]] = {}
    for row in rows:
        for email in _emails(row) if row.active else ():
            if row.customer in customers:
                places.setdefault(email, set()).add(customers[row.customer].id)
    before = _customers_of(scope, list(places))
    return {
        email
        for email, ids in places.items()
        if len(ids | before[email]) > max(MANY_CUSTOMERS, len(before[email]))
    }


def _customers_of(scope: SyncScope, emails: Sequence[str]) -> dict[str, set[str]]:
    """Return the ids of the customers that each address is a contact of now."""
    found: dict[str, set[str]] = {email: set() for email in emails}
    for start in range(0, len(emails), _AT_ONCE):
        ours = Contact.objects.filter(
            customer__organisation=scope.organisation,
            user__email__in=emails[start : start + _AT_ONCE],
        )
        for email, customer_id in ours.values_list("user__email", "customer_id"):
            found[email].add(customer_id)
    return found


def _waiting(row: ListedContact, command: str, key: str) -> WaitingRow:
    return WaitingRow(
        waits_for=WaitsFor.CONTACT,
        command=command,
        key=key,
        customer=row.customer[:200],
        row=row_to_json(row),
        change=[["contact", "", ", ".join(_emails(row))[:200]]],
    )
