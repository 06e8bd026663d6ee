"""The fields that a file can fill: one description each, for the pages, the checks and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from billhook.portal.imports.columns import headings
from billhook.portal.imports.columns.headings import Names


class ImportKind(StrEnum):
    """The rows of a file: invoices, or customers with their contacts."""

    INVOICES = "invoices"
    CUSTOMERS = "customers"


class Need(StrEnum):
    """The need to fill a field."""

    ALWAYS = "needed"
    FOR_NEW = "needed for a new one"
    NEVER = ""


@dataclass(frozen=True, kw_only=True)
class ImportField:
    """One field: our name for it, the names that others use, and its longest text.

    ``names`` mean this field; ``also`` mean it only if no other column does.
    """

    name: str
    label: str
    names: Names
    also: tuple[Names, ...] = ()
    need: Need = Need.NEVER
    longest: int = 100
    hint: str = ""
    is_named_so: bool = True
    """Whether a column with our name for it has it."""

    @cached_property
    def plain_names(self) -> frozenset[str]:
        """The names that mean this field, and our own."""
        own = {headings.plain(self.label)}
        if self.is_named_so:
            own.add(headings.plain(self.name))
        return headings.plain_names(self.names) | own

    @cached_property
    def plain_others(self) -> frozenset[str]:
        """The names that mean it if no other column does."""
        return frozenset().union(*map(headings.plain_names, self.also))


INVOICE_FIELDS: Final = (
    ImportField(
        name="number",
        label="Invoice number",
        names=headings.INVOICE_NUMBER,
        also=(headings.INVOICE_ID,),
        need=Need.ALWAYS,
        hint="Invoices are matched by it: a known one is changed.",
    ),
    ImportField(
        name="customer_number",
        label="Customer number",
        names=headings.CUSTOMER_NUMBER,
        also=(headings.CUSTOMER_ID, headings.CUSTOMER),
        need=Need.FOR_NEW,
        longest=64,
        hint="Without it, a known customer is found by its exact name.",
    ),
    ImportField(
        name="customer_name",
        label="Customer name",
        names=headings.CUSTOMER_NAME,
        also=(headings.NAME, headings.CUSTOMER),
        longest=200,
        hint="Creates a customer whose number is new.",
    ),
    ImportField(name="issued_on", label="Date", names=headings.ISSUED_ON, need=Need.FOR_NEW),
    ImportField(name="due_on", label="Due date", names=headings.DUE_ON),
    ImportField(
        name="amount",
        label="Amount",
        names=headings.AMOUNT,
        also=(headings.ITEM_AMOUNT,),
        need=Need.FOR_NEW,
        hint="The total with taxes.",
    ),
    ImportField(
        name="open_amount",
        label="Still open",
        names=headings.OPEN_AMOUNT,
        hint="Without it, all of the amount, or nothing once the invoice is paid.",
    ),
    ImportField(name="currency", label="Currency", names=headings.CURRENCY, need=Need.FOR_NEW),
    ImportField(name="status", label="Status", names=headings.STATUS),
    ImportField(
        name="type",
        label="Document type",
        names=headings.TYPE,
        is_named_so=False,
        hint="Invoice or credit note. Without it, an amount below zero is a credit note's.",
    ),
    ImportField(name="po_number", label="PO number", names=headings.PO_NUMBER),
    ImportField(
        name="link",
        label="Link",
        names=headings.LINK,
        longest=2000,
        hint="Where the invoice can be seen or paid; begins with https://.",
    ),
    ImportField(
        name="source_id",
        label="Id in the billing system",
        names=headings.SOURCE_ID,
        also=(headings.INVOICE_ID,),
        longest=200,
        hint="Only if it differs from the number. Fills {{InvoiceId}}.",
    ),
)
CUSTOMER_FIELDS: Final = (
    ImportField(
        name="customer_number",
        label="Customer number",
        names=headings.CUSTOMER_NUMBER,
        also=(headings.CUSTOMER_ID, headings.CUSTOMER, headings.CUSTOMER_NUMBER_ALONE),
        need=Need.ALWAYS,
        longest=64,
        hint="Customers are matched by it: a known one is changed.",
    ),
    ImportField(
        name="customer_name",
        label="Customer name",
        names=headings.CUSTOMER_NAME,
        also=(headings.CUSTOMER, headings.NAME),
        need=Need.FOR_NEW,
        longest=200,
    ),
    ImportField(
        name="locale",
        label="Language",
        names=headings.LOCALE,
        longest=16,
        hint="For example en-GB or de. Integrations can send it.",
    ),
    ImportField(
        name="email",
        label="E-mail",
        names=headings.EMAIL,
        longest=254,
        hint="Of a contact, who then sees the customer's invoices. Several may be in one cell.",
    ),
    ImportField(
        name="contact_name",
        label="Contact name",
        names=headings.CONTACT_NAME,
        also=(headings.NAME,),
        longest=200,
    ),
)
_FIELDS: Final = {
    ImportKind.INVOICES: INVOICE_FIELDS,
    ImportKind.CUSTOMERS: CUSTOMER_FIELDS,
}


def fields_of(kind: ImportKind) -> tuple[ImportField, ...]:
    """Return the fields of *kind*, in the order in which people read them."""
    return _FIELDS[kind]
