"""Reads the rows of a sheet as customers and their contacts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billhook.portal.customers.services import NewContact
from billhook.portal.fields.names import has_unseen
from billhook.portal.imports.columns.fields import CUSTOMER_FIELDS
from billhook.portal.imports.columns.mapping import Mapping, OpenQuestions
from billhook.portal.imports.invoices.reader import table_rows
from billhook.portal.imports.reading.table import Cell, FileTable, TableRow, text_of
from billhook.portal.imports.values.identifiers import IdentifierReader
from billhook.portal.imports.values.words import read_language

LABELS: Final = {field.name: field.label for field in CUSTOMER_FIELDS}
_LONGEST: Final = {field.name: field.longest for field in CUSTOMER_FIELDS}
_BETWEEN_ADDRESSES: Final = re.compile(r"[;,\n]")
_NAMED_ADDRESS: Final = re.compile(r"(?P<name>[^<>]*)<(?P<email>[^<>]+)>")
_MAX_ADDRESSES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """A customer, with the contacts in its row. None is a fact that is missing."""

    line: int
    number: str
    name: str = ""
    locale: str | None = None
    contacts: tuple[NewContact, ...] = ()
    reasons: tuple[str, ...] = ()


class CustomerReader:
    """Reads one sheet."""

    def __init__(self, table: FileTable, mapping: Mapping) -> None:
        self._places = mapping.places
        self._rows = table_rows(table, mapping)
        place = self._places.get("customer_number", -1)
        numbers = (row.cells[place] for row in self._rows if 0 <= place < len(row.cells))
        self._identifiers = IdentifierReader(LABELS["customer_number"].lower(), numbers)

    def items(self) -> Iterator[CustomerRow]:
        """Yield the customers, one for each row."""
        return map(self._read, self._rows)

    def questions(self) -> OpenQuestions:
        """Return what a person must be asked: nothing."""
        return OpenQuestions()

    def _read(self, row: TableRow) -> CustomerRow:
        reasons = [*self._unfit(row)]

        def value(name: str, read: Callable[[Cell], str]) -> str:
            cell = self._cell(row, name)
            try:
                return "" if cell == "" else read(cell)
            except ValueError as error:
                reasons.append(str(error))
                return ""

        number = value("customer_number", self._identifiers.read)
        if not number and not reasons:
            reasons.append("The customer number is missing.")
        contacts = self._contacts(row, number, reasons.append)
        return CustomerRow(
            line=row.line,
            number=number,
            name=text_of(self._cell(row, "customer_name")),
            locale=value("locale", lambda cell: read_language(text_of(cell))) or None,
            contacts=contacts,
            reasons=tuple(reasons),
        )

    def _contacts(
        self, row: TableRow, number: str, refuse: Callable[[str], None]
    ) -> tuple[NewContact, ...]:
        name = text_of(self._cell(row, "contact_name"))
        contacts = []
        texts = _BETWEEN_ADDRESSES.split(text_of(self._cell(row, "email")))
        for text in [text.strip() for text in texts if text.strip()][:_MAX_ADDRESSES]:
            named = _NAMED_ADDRESS.fullmatch(text)
            email = (named["email"] if named else text).strip().removeprefix("mailto:").lower()
            own_name = named["name"].strip(" \"'") if named else ""
            if _is_email(email):
                contact = NewContact(customer_number=number, email=email, name=own_name or name)
                contacts.append(contact)
            else:
                refuse(f"“{text}” isn't an e-mail address, such as dana@acme.com.")
        return tuple(contacts)

    def _cell(self, row: TableRow, name: str) -> Cell:
        place = self._places.get(name)
        return "" if place is None or place >= len(row.cells) else row.cells[place]

    def _unfit(self, row: TableRow) -> Iterator[str]:
        for name in self._places:
            text = text_of(self._cell(row, name))
            if len(text) > _LONGEST[name] and name != "email":
                yield f"{text[:20]}… is longer than {_LONGEST[name]} characters. Shorten it."
            if has_unseen(text.replace("\n", " ") if name == "email" else text):
                yield (
                    f"The {LABELS[name].lower()} contains a line break or another invisible "
                    "character. Remove it."
                )


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
