"""The scope of a sync: whose rows it writes, and which lists give what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billhook.engine.listing.listing import Listing
from billhook.portal.invoices.models import InvoiceType
from billhook.portal.organisations.models import Organisation

CUSTOMERS, CONTACTS = "ListCustomers", "ListContacts"
INVOICES, CREDIT_NOTES, REMOVED = "ListInvoices", "ListCreditNotes", "ListRemovedInvoices"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncScope:
    """One organisation and one of its integrations: nothing else is read or written.

    ``lists`` are the integration's list commands by name.
    """

    organisation: Organisation
    integration_id: str
    lists: Mapping[str, Listing]
    takes_over: bool
    now: datetime
    others: frozenset[str] = frozenset()
    """The ids of the organisation's other integrations: their rows are theirs."""
    expected: frozenset[str] = frozenset()
    """The source's ids of customers that a dry run would have created by now."""

    def may_take_over(self, integration_id: str | None) -> bool:
        """Return whether a row is taken over: it was imported, or its integration is gone."""
        is_free = integration_id != self.integration_id and integration_id not in self.others
        return self.takes_over and is_free

    @property
    def creates_customers(self) -> bool:
        """Whether the rows of invoices create customers: no other list does."""
        return CUSTOMERS not in self.lists

    @property
    def creates_contacts(self) -> bool:
        """Whether the rows of invoices create contacts: no other list does."""
        listing = self.lists.get(CUSTOMERS)
        nested = listing is not None and bool({"contacts", "email"} & listing.mapped)
        return CONTACTS not in self.lists and not nested

    def types_of(self, command: str) -> tuple[InvoiceType, ...]:
        """Return the types of invoices that *command* lists."""
        if command == CREDIT_NOTES:
            return (InvoiceType.CREDIT_NOTE,)
        if CREDIT_NOTES in self.lists:
            return (InvoiceType.INVOICE,)
        return tuple(InvoiceType)

    def mapped(self, command: str) -> frozenset[str]:
        """Return the fields that the rows of *command* have."""
        return self.lists[command].mapped
