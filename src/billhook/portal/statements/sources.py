"""The sources that may be asked for a customer's statement.

A customer's number or id means something in the system that the customer comes from. In another
system that has customers of its own, the same number may be somebody else's. So that one isn't
asked: a person must never get another customer's statement.
"""

from __future__ import annotations

from typing import Final

from billhook.engine.tokens.catalogue import STATEMENT_COMMAND
from billhook.portal.customers.models import Customer
from billhook.portal.documents.statement_click import given_by_statement
from billhook.portal.integrations.access import (
    command_names,
    declared_tokens,
    enabled_with_command,
)
from billhook.portal.integrations.models import Integration

_LISTS: Final = frozenset({"ListInvoices", "ListCustomers"})
"""The commands of an integration that has customers of its own."""


def statement_sources(customer: Customer) -> tuple[str, ...]:
    """Return the ids of the integrations to ask for the statement of *customer*, in their order.

    The one that the customer comes from is asked alone, if it has GetStatement. Otherwise these
    are all that have it; for a customer who comes from an integration, only those without customers
    of their own. A command with tokens of its own, for which the portal has no values, is for
    programs alone.
    """
    having = enabled_with_command(STATEMENT_COMMAND, customer.organisation_id)
    rows = [row for row in having if _can_fill(row)]
    own = [row for row in rows if row.id == customer.integration_id]
    if not own and customer.integration_id is not None:
        rows = [row for row in rows if not _LISTS & command_names(row)]
    return tuple(row.id for row in own or rows)


def _can_fill(integration: Integration) -> bool:
    return declared_tokens(integration, STATEMENT_COMMAND) <= given_by_statement()
