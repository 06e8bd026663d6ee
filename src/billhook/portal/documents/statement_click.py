"""The values of the catalogue's tokens about a customer and a period: from our own row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from billhook.engine.tokens.catalogue import Value
from billhook.portal.accounts.models import User
from billhook.portal.customers.models import Customer
from billhook.portal.documents.token_values import DEFAULT_LOCALE
from billhook.portal.fields.periods import StatementPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementClick:
    """A user, and the customer and period whose statement they want.

    The customer's organisation must be loaded.
    """

    customer: Customer
    period: StatementPeriod
    user: User


_VALUE_OF: Final[dict[str, Callable[[StatementClick], Value]]] = {
    "CustomerNumber": lambda click: click.customer.number,
    "CustomerId": lambda click: click.customer.source_id or click.customer.number,
    "CustomerName": lambda click: click.customer.name,
    "StatementStart": lambda click: click.period.start,
    "StatementEnd": lambda click: click.period.end,
    "ContactEmail": lambda click: click.user.email,
    "ContactName": lambda click: click.user.name or click.user.email,
    "Locale": lambda click: click.customer.locale or DEFAULT_LOCALE,
    "OrganisationName": lambda click: click.customer.organisation.name,
}


def statement_tokens(click: StatementClick, names: Iterable[str]) -> dict[str, Value]:
    """Return the values of those *names* that a customer and a period give."""
    return {name: _VALUE_OF[name](click) for name in names if name in _VALUE_OF}


def given_by_statement() -> frozenset[str]:
    """Return the names of the tokens that a customer and a period give."""
    return frozenset(_VALUE_OF)
