"""The values of the catalogue's tokens: from our own row, never from a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from billhook.engine.tokens.catalogue import Value
from billhook.portal.accounts.models import User
from billhook.portal.fields.currencies import in_decimals
from billhook.portal.invoices.models import Invoice

DEFAULT_LOCALE: Final = "en-GB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A user and the invoice they clicked. Its customer and organisation must be loaded."""

    invoice: Invoice
    user: User


_VALUE_OF: Final[dict[str, Callable[[Click], Value]]] = {
    "InvoiceNumber": lambda click: click.invoice.number,
    "InvoiceId": lambda click: click.invoice.source_id or click.invoice.number,
    "InvoiceDate": lambda click: click.invoice.issued_on,
    "DueDate": lambda click: click.invoice.due_on,
    "Amount": lambda click: in_decimals(click.invoice.amount, click.invoice.currency),
    "OpenAmount": lambda click: in_decimals(click.invoice.open_amount, click.invoice.currency),
    "Currency": lambda click: click.invoice.currency,
    "InvoiceStatus": lambda click: click.invoice.status.replace("_", "-"),
    "CustomerNumber": lambda click: click.invoice.customer.number,
    "CustomerName": lambda click: click.invoice.customer.name,
    "ContactEmail": lambda click: click.user.email,
    "ContactName": lambda click: click.user.name or click.user.email,
    "Locale": lambda click: click.invoice.customer.locale or DEFAULT_LOCALE,
    "OrganisationName": lambda click: click.invoice.organisation.name,
}


def invoice_tokens(click: Click, names: Iterable[str]) -> dict[str, Value]:
    """Return the values of those *names* that an invoice gives."""
    return {name: _VALUE_OF[name](click) for name in names if name in _VALUE_OF}


def given_by_invoice() -> frozenset[str]:
    """Return the names of the tokens that an invoice gives."""
    return frozenset(_VALUE_OF)
