"""The effect of the customers and contacts in a file on those that are known; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from billhook.portal.customers.access import (
    contact_emails,
    customers_numbered,
    has_padded_customer,
)
from billhook.portal.customers.models import Customer
from billhook.portal.customers.services import NewContact
from billhook.portal.imports.customers.reader import CustomerRow
from billhook.portal.imports.effect import Effect, PlannedRow
from billhook.portal.imports.values.identifiers import ZEROS_LOST, padded_forms
from billhook.portal.organisations.models import Organisation


@dataclass(frozen=True, kw_only=True)
class PlannedCustomer(PlannedRow):
    """The effect of one row: a customer that is new or changed, and contacts that are new."""

    name: str
    locale: str | None
    known: Customer | None = None
    is_new: bool = False
    contacts: tuple[NewContact, ...] = ()
    """Those that are new."""

    @property
    def about(self) -> str:
        """The name of the customer, and the new contacts."""
        return ", ".join(filter(None, [self.name, *(contact.email for contact in self.contacts)]))


class CustomerPlanner:
    """Compares the rows of one file with what is known, some hundred at a time."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.new_customers: dict[str, str] = {}
        """Names by numbers."""
        self.new_contacts: set[tuple[str, str]] = set()
        """Customer numbers and addresses."""
        self.known_contacts = 0
        self._names: dict[str, tuple[int, str]] = {}
        self._customers: dict[str, Customer] = {}
        self._emails: set[tuple[str, str]] = set()
        self._padded: dict[str, str] = {}

    def plan(self, rows: Sequence[CustomerRow]) -> list[PlannedCustomer]:
        """Return the effects of *rows*."""
        numbers = {row.number for row in rows}
        known = customers_numbered(self._organisation, numbers)
        self._customers = {customer.number: customer for customer in known}
        self._emails = contact_emails(self._organisation, self._customers)
        unknown = numbers - self._customers.keys()
        padded = padded_forms(unknown) if has_padded_customer(self._organisation) else {}
        known = customers_numbered(self._organisation, padded)
        self._padded = {padded[customer.number]: customer.number for customer in known}
        return [self._plan(row) for row in rows]

    def memory(self) -> dict[str, Any]:
        """Return what the plans so far leave for the next ones, for JSON."""
        return {
            "new_customers": self.new_customers,
            "new_contacts": sorted(self.new_contacts),
            "known_contacts": self.known_contacts,
            "names": self._names,
        }

    def remember(self, memory: dict[str, Any]) -> None:
        """Go on with what :meth:`memory` returned."""
        self.new_customers = dict(memory["new_customers"])
        self.new_contacts = {(number, email) for number, email in memory["new_contacts"]}
        self.known_contacts = memory["known_contacts"]
        self._names = {number: (line, name) for number, (line, name) in memory["names"].items()}

    def is_stale(self, planned: Sequence[PlannedCustomer]) -> bool:
        """Return whether a customer was added, changed or removed since it was *planned*."""
        before = {one.number: _facts(one.known) for one in planned if one.known is not None}
        known = customers_numbered(self._organisation, [one.number for one in planned])
        return before != {customer.number: _facts(customer) for customer in known}

    def _plan(self, row: CustomerRow) -> PlannedCustomer:
        known = self._customers.get(row.number)
        planned = PlannedCustomer(
            lines=(row.line,),
            number=row.number,
            name=row.name,
            locale=row.locale,
            known=known,
            effect=Effect.REFUSE,
        )
        reasons = row.reasons or self._reasons(row, known)
        if reasons:
            return replace(planned, reasons=tuple(reasons))
        if row.name:
            self._names.setdefault(row.number, (row.line, row.name))
        is_new = known is None and row.number not in self.new_customers
        if is_new:
            self.new_customers[row.number] = row.name
        contacts = tuple(self._new_contacts(row))
        changes = _changes(row, known)
        effect = Effect.CHANGE if changes else Effect.KEEP
        return replace(
            planned,
            effect=Effect.CREATE if is_new or contacts else effect,
            is_new=is_new,
            contacts=contacts,
            changes=changes,
        )

    def _reasons(self, row: CustomerRow, known: Customer | None) -> list[str]:
        earlier = self._names.get(row.number)
        if earlier and row.name and row.name != earlier[1]:
            return [f"Line {earlier[0]} has another name for customer {row.number}."]
        if known is not None and known.integration_id and _changes(row, known):
            return [f"Customer {row.number} comes from an integration. Change it in its system."]
        if known is not None or row.number in self.new_customers:
            return []
        if padded := self._padded.get(row.number):
            return [f"There is a customer {padded}. {ZEROS_LOST}"]
        if not row.name:
            advice = "Create it first, or add a column Customer name."
            return [f"Customer {row.number} doesn't exist. {advice}"]
        return []

    def _new_contacts(self, row: CustomerRow) -> list[NewContact]:
        new = []
        for contact in row.contacts:
            pair = (row.number, contact.email)
            if pair not in self._emails and pair not in self.new_contacts:
                self.new_contacts.add(pair)
                new.append(contact)
            else:
                self.known_contacts += 1
        return new


def _facts(customer: Customer) -> tuple[str, str, str]:
    return customer.id, customer.name, customer.locale


def _changes(row: CustomerRow, known: Customer | None) -> tuple[str, ...]:
    if known is None:
        return ()
    changes = {
        "customer name": row.name and row.name != known.name,
        "language": row.locale and row.locale != known.locale,
    }
    return tuple(name for name, is_changed in changes.items() if is_changed)
