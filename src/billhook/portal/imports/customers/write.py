"""Writes the planned customers and contacts of one chunk of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.customers.services import add_contacts, change_customers, create_customers
from billhook.portal.imports.customers.plan import PlannedCustomer
from billhook.portal.imports.effect import Effect
from billhook.portal.imports.models import FileImport, ImportedRow


def write_customers(
    file_import: FileImport, planned: Sequence[PlannedCustomer]
) -> list[ImportedRow]:
    """Write *planned*, and return the rows that record it."""
    ours = [one for one in planned if one.effect is not Effect.REFUSE]
    customers, created = create_customers(organisation=file_import.organisation, names=_names(ours))
    before = {number: customer_as_json(customer) for number, customer in customers.items()}
    for one in ours:
        _fill(customers[one.number], one)
    changed = [
        customer
        for number, customer in customers.items()
        if customer_as_json(customer) != before[number]
    ]
    change_customers(customers=changed)
    contacts = [contact for one in ours for contact in one.contacts]
    added = add_contacts(customers=customers, contacts=contacts)
    new = {customer.id for customer in created}
    rows = [_created(file_import, customer) for customer in created]
    rows += [
        _changed(file_import, customer, before[customer.number])
        for customer in changed
        if customer.id not in new
    ]
    return [*rows, *(_added(file_import, contact) for contact in added)]


def customer_as_json(customer: Customer) -> dict[str, Any]:
    """Return the facts of *customer*, as they are recorded."""
    return {"number": customer.number, "name": customer.name, "locale": customer.locale}


def _names(planned: Sequence[PlannedCustomer]) -> dict[str, str]:
    names: dict[str, str] = {}
    for one in planned:
        names[one.number] = names.get(one.number) or one.name
    return names


def _fill(customer: Customer, planned: PlannedCustomer) -> None:
    customer.name = planned.name or customer.name
    customer.locale = planned.locale or customer.locale


def _created(file_import: FileImport, customer: Customer) -> ImportedRow:
    return ImportedRow(
        file_import=file_import,
        what=ImportedRow.What.CUSTOMER,
        name=customer.number,
        object_id=customer.id,
        after=customer_as_json(customer),
    )


def _changed(file_import: FileImport, customer: Customer, before: dict[str, Any]) -> ImportedRow:
    row = _created(file_import, customer)
    row.before = before
    return row


def _added(file_import: FileImport, contact: Contact) -> ImportedRow:
    return ImportedRow(
        file_import=file_import,
        what=ImportedRow.What.CONTACT,
        name=contact.user.email,
        object_id=contact.id,
        after={},
    )
