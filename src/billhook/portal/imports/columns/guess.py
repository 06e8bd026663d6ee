"""Guesses the meaning of a file's columns from their names, those that were chosen before first."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from billhook.portal.fields.currencies import CURRENCIES
from billhook.portal.imports.columns import headings
from billhook.portal.imports.columns.fields import (
    CUSTOMER_FIELDS,
    INVOICE_FIELDS,
    ImportField,
    ImportKind,
    Need,
    fields_of,
)
from billhook.portal.imports.columns.headings import plain, without_note
from billhook.portal.imports.columns.mapping import (
    Mapping,
    RowsOfOne,
    columns_of,
    heading_names,
)
from billhook.portal.imports.reading.table import FileTable, Sheet

_ROWS_LOOKED_AT: Final = 40
_NOTE_OF_CURRENCY: Final = re.compile(r"(?:\b(?:in|en)\s+)?(\b[A-Z]{3}|[€£])\s*$")
_ANY_NAME: Final = frozenset().union(
    *(field.plain_names | field.plain_others for field in (*INVOICE_FIELDS, *CUSTOMER_FIELDS))
)
_CUSTOMER_NAMES: Final = headings.plain_names(headings.CUSTOMER)
_NAMES: Final = headings.plain_names(headings.NAME)
_ITEM_NAMES: Final = headings.plain_names(headings.ITEM_AMOUNT)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A mapping, and what a person should look at: fields that two columns could fill."""

    mapping: Mapping
    twice: tuple[ImportField, ...] = ()
    is_unsure: bool = False
    """Whether a name could mean something else, or a currency was taken from elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """The choices of earlier imports: fields by names of columns, "" for one that isn't used."""

    fields: MappingOf[str, str]
    currency: str = ""


def is_heading(text: str) -> bool:
    """Return whether *text* is the name of any column."""
    return not _ANY_NAME.isdisjoint(_plain_forms(text))


def guess_mapping(table: FileTable, kind: ImportKind, remembered: Remembered) -> Guess:
    """Return the most likely meaning of the columns of *table*."""
    *_, sheet, heading = max(
        (*_likeness(sheet, row, kind, remembered), -number, -row)
        for number, sheet in enumerate(table.sheets)
        for row in range(min(len(sheet.rows), _ROWS_LOOKED_AT))
    )
    return guess_columns(table, kind, remembered, sheet=-sheet, heading=-heading)


def guess_columns(
    table: FileTable, kind: ImportKind, remembered: Remembered, *, sheet: int, heading: int
) -> Guess:
    """Return the most likely meaning of the columns below one *heading*."""
    mapping = Mapping(sheet=sheet, heading=heading)
    names = heading_names(table.sheets[sheet], heading)
    guesser = _Guesser(kind, names, remembered)
    guesser.add_certain()
    guesser.add_likely({c.place: c.samples for c in columns_of(table, mapping)})
    return guesser.guess(mapping)


def missing_fields(mapping: Mapping, kind: ImportKind) -> tuple[ImportField, ...]:
    """Return the fields that every file must fill and this one doesn't."""
    return tuple(
        each
        for each in fields_of(kind)
        if each.need is Need.ALWAYS and each.name not in mapping.places
    )


class _Guesser:
    def __init__(self, kind: ImportKind, names: Sequence[str], remembered: Remembered) -> None:
        self._fields = fields_of(kind)
        self._names = {place: name for place, name in enumerate(names) if name}
        self._remembered = remembered
        self._places: dict[str, int] = {}
        self._used: set[int] = set()
        self._twice: list[ImportField] = []
        self._is_unsure = False

    def add_certain(self) -> None:
        """Map the columns whose name was chosen before, or means one field."""
        by_name = {field.name: field for field in self._fields}
        for place, name in self._names.items():
            chosen = self._remembered.fields.get(plain(name))
            if chosen == "":
                self._used.add(place)
            elif chosen in by_name:
                self._map(by_name[chosen], place)
        for place, name in self._names.items():
            if place not in self._used and (field := _field_named(name, self._fields)):
                self._map(field, place)

    def add_likely(self, samples: MappingOf[int, Sequence[str]]) -> None:
        """Map the columns whose name may mean a field that has none yet."""
        for place, name in self._names.items():
            if place in self._used:
                continue
            forms = _plain_forms(name)
            if not _CUSTOMER_NAMES.isdisjoint(forms):
                self._add_customer(place, samples.get(place, ()))
            elif not _NAMES.isdisjoint(forms) and "email" in self._places:
                self._is_unsure |= "customer_name" not in self._places
                self._map_if_free("contact_name", place)
            else:
                self._add_other(forms, place)

    def _add_customer(self, place: int, samples: Sequence[str]) -> None:
        are_numbers = any(character.isdigit() for sample in samples for character in sample)
        first = "customer_number" if are_numbers or not samples else "customer_name"
        self._is_unsure |= "customer_number" not in self._places
        for name in (first, "customer_name"):
            if name not in self._places:
                self._map_if_free(name, place)
                return

    def _add_other(self, forms: frozenset[str], place: int) -> None:
        for field in self._fields:
            if field.name not in self._places and not field.plain_others.isdisjoint(forms):
                self._map_if_free(field.name, place)
                return
        self._note_twin(place)

    def _map_if_free(self, name: str, place: int) -> None:
        if name not in self._places:
            self._places[name] = place
            self._used.add(place)
        else:
            self._note_twin(place)

    def _note_twin(self, place: int) -> None:
        """Note the field of a column with the same name as this one, which no field has."""
        for field in self._fields:
            twin = self._places.get(field.name)
            if twin is not None and plain(self._names[twin]) == plain(self._names[place]):
                self._twice.append(field)

    def _map(self, field: ImportField, place: int) -> None:
        self._used.add(place)
        if field.name in self._places:
            self._twice.append(field)
        else:
            self._places[field.name] = place

    def guess(self, mapping: Mapping) -> Guess:
        """Return what was found."""
        amount = self._names.get(self._places.get("amount", -1), "")
        are_items = not _ITEM_NAMES.isdisjoint(_plain_forms(amount))
        currency = ""
        if "amount" in self._places and "currency" not in self._places:
            currency = currency_in_name(amount) or self._remembered.currency
            self._is_unsure |= bool(currency) and not currency_in_name(amount)
        found = replace(
            mapping,
            places=self._places,
            currency=currency,
            rows_of_one=RowsOfOne.ADD if are_items else None,
        )
        return Guess(mapping=found, twice=tuple(self._twice), is_unsure=self._is_unsure)


def currency_in_name(name: str) -> str:
    """Return the currency that the *name* of a column mentions: ``EUR`` for ``Amount (EUR)``."""
    for text in (name.rstrip(" )]"), without_note(name)):
        if found := _NOTE_OF_CURRENCY.search(text):
            code = {"€": "EUR", "£": "GBP"}.get(found[1], found[1])
            if code in CURRENCIES:
                return code
    return ""


def _likeness(sheet: Sheet, row: int, kind: ImportKind, remembered: Remembered) -> tuple[int, int]:
    """Return the number of fields whose names are in a row; without any, its number of texts."""
    fields = fields_of(kind)
    found = set()
    for name in heading_names(sheet, row):
        field = _field_named(name, fields) or _likely_field(name, fields)
        chosen = remembered.fields.get(plain(name))
        if field or chosen:
            found.add(chosen or (field and field.name))
    texts = sum(isinstance(cell, str) and bool(cell) for cell in sheet.rows[row].cells)
    return len(found), 0 if found else texts


def _field_named(name: str, fields: Sequence[ImportField]) -> ImportField | None:
    forms = _plain_forms(name)
    return next((field for field in fields if not field.plain_names.isdisjoint(forms)), None)


def _likely_field(name: str, fields: Sequence[ImportField]) -> ImportField | None:
    forms = _plain_forms(name)
    return next((field for field in fields if not field.plain_others.isdisjoint(forms)), None)


def _plain_forms(name: str) -> frozenset[str]:
    """Return *name*, and *name* without a note such as ``(EUR)`` or ``in €``."""
    bare = without_note(name)
    return frozenset({plain(name), plain(bare), plain(_NOTE_OF_CURRENCY.sub("", bare))}) - {""}
