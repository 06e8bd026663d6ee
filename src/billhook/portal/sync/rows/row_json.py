"""Rows of a list as JSON, for those that wait in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from billhook.engine.listing.rows import ListedContact, ListedInvoice

_LEFT_OUT: Final = {"source", "row"}
"""The source's own texts aren't needed later, and its place in the list may be another one."""
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "amount": Decimal,
    "open_amount": Decimal,
    "date": date.fromisoformat,
    "due_date": date.fromisoformat,
    "changed": datetime.fromisoformat,
    "email": tuple,
    "contact_email": tuple,
}


def row_to_json(row: ListedInvoice | ListedContact) -> dict[str, Any]:
    """Return *row* as JSON."""
    names = [each.name for each in fields(row) if each.name not in _LEFT_OUT]
    return {name: _written(getattr(row, name)) for name in names}


def invoice_row(data: dict[str, Any]) -> ListedInvoice:
    """Return the invoice that *data* was written from."""
    return ListedInvoice(row=0, **_read(data))


def contact_row(data: dict[str, Any]) -> ListedContact:
    """Return the contact that *data* was written from."""
    return ListedContact(row=0, **_read(data))


def _written(value: object) -> Any:
    match value:
        case Decimal():
            return f"{value:f}"
        case date():  # a datetime, too
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return value


def _read(data: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if value is None or name not in _READ else _READ[name](value)
        for name, value in data.items()
    }
