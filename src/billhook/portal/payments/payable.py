"""Invoices with a Pay button: something is left to pay, and a source gives payment links."""

from __future__ import annotations

from collections.abc import Iterable

from billhook.engine.tokens.catalogue import PAYMENT_COMMAND
from billhook.portal.integrations.access import organisations_with_command
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.shown_status import settled_status_of


def payable_ids(invoices: Iterable[Invoice]) -> frozenset[str]:
    """Return the ids of those of *invoices*, which the caller may see, that can be paid here."""
    unsettled = [each for each in invoices if settled_status_of(each) is None]
    ids = {each.organisation_id for each in unsettled}
    able = organisations_with_command(PAYMENT_COMMAND, ids) if ids else frozenset()
    return frozenset(each.id for each in unsettled if each.organisation_id in able)


def is_payable(invoice: Invoice) -> bool:
    """Return whether *invoice*, which the caller may see, can be paid here."""
    return invoice.id in payable_ids([invoice])
