"""Contacts from a CSV file: each row is a person who may see the invoices of one customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billhook.portal.customers.access import customers_for_operator
from billhook.portal.customers.services import NewContact, add_contacts
from billhook.portal.fields.csv_files import CsvRow, UnreadableFile, read_table
from billhook.portal.fields.names import has_unseen
from billhook.portal.organisations.models import Organisation

COLUMNS: Final = {
    "customer_number": ("customer number", "customer", "customer no", "customer id", "number"),
    "customer_name": ("customer name", "company"),
    "email": ("email", "e mail", "mail", "email address", "contact email"),
    "name": ("name", "contact", "contact name", "person"),
}
"""The columns, each with the names by which it is known; signs and capitals don't matter."""
REQUIRED: Final = ("customer_number", "email")
_LABELS: Final = {
    "customer_number": "Customer number",
    "email": "E-mail",
    "customer_name": "Customer name",
    "name": "Name",
}
_LONGEST: Final = {"customer_number": 64, "customer_name": 200, "email": 254, "name": 200}
_SIGNS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedContact:
    """A row that can't be used, and what to change in it."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPlan:
    """The effect of a file: contacts, customers that are new, and rows that can't be used."""

    contacts: tuple[NewContact, ...]
    new_customers: dict[str, str]
    refused: tuple[RefusedContact, ...]


def plan_contacts(*, organisation: Organisation, content: bytes) -> ContactPlan:
    """Return what the CSV file *content* would do; write nothing.

    Raises:
        UnreadableFile: where the file as a whole can't be used.
    """
    table = read_table(content)
    places = _places(table.header)
    known = {customer.number for customer in customers_for_operator(organisation)}
    contacts: list[NewContact] = []
    refused: list[RefusedContact] = []
    new: dict[str, str] = {}
    for row in table.rows:
        said = {name: _cell(row, places.get(name)) for name in COLUMNS}
        number, customer_name = said["customer_number"], said["customer_name"]
        reason = next(_problems(said, is_known=number in known or number in new), "")
        if reason:
            refused.append(RefusedContact(line=row.line, reason=reason))
            continue
        if number not in known:
            new.setdefault(number, customer_name)
        email = said["email"].lower()
        contacts.append(NewContact(customer_number=number, email=email, name=said["name"]))
    return ContactPlan(contacts=tuple(contacts), new_customers=new, refused=tuple(refused))


def import_contacts(*, organisation: Organisation, plan: ContactPlan) -> int:
    """Do what *plan* says, without the refused rows; return how many contacts are new."""
    return add_contacts(
        organisation=organisation, contacts=plan.contacts, new_customers=plan.new_customers
    )


def _places(header: tuple[str, ...]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, text in enumerate(header):
        plain = _SIGNS.sub(" ", text.lower()).strip()
        name = next((n for n, names in COLUMNS.items() if plain in names), None)
        if name in places:
            raise UnreadableFile(f"Two columns are for {_LABELS[name]}. Keep one of them.")
        if name is not None:
            places[name] = place
    missing = [_LABELS[name] for name in REQUIRED if name not in places]
    if missing:
        raise UnreadableFile(
            f"The first row names no column for: {', '.join(missing)}. It must have Customer "
            "number and E-mail; Customer name and Name may follow."
        )
    return places


def _cell(row: CsvRow, place: int | None) -> str:
    return row.cells[place].strip() if place is not None and place < len(row.cells) else ""


def _problems(said: dict[str, str], *, is_known: bool) -> Iterator[str]:
    for name, longest in _LONGEST.items():
        if len(said[name]) > longest:
            yield f"{said[name][:20]}… is longer than {longest} characters. Shorten it."
        if has_unseen(said[name]):
            yield f"The {name.replace('_', ' ')} holds a character that can't be seen. Remove it."
    if not said["customer_number"]:
        yield "The customer number is missing."
    elif not is_known and not said["customer_name"]:
        yield (
            f"There is no customer {said['customer_number']}. Create it first, or add a column "
            "Customer name."
        )
    if not _is_email(said["email"]):
        yield f"“{said['email']}” isn't an e-mail address, such as dana@acme.com."


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
