"""The words for list commands in the editor."""

from __future__ import annotations

from typing import Final

from billhook.engine.list_config import (
    CONTACT_FIELDS,
    CUSTOMER_FIELDS,
    INVOICE_FIELDS,
    REMOVED_FIELDS,
)

FIELD_WORDS: Final = {
    "id": "Id",
    "number": "Number",
    "customer": "Customer's id",
    "amount": "Amount",
    "open_amount": "Open amount",
    "currency": "Currency",
    "date": "Date",
    "due_date": "Due date",
    "status": "Status",
    "type": "Type",
    "po_number": "PO number",
    "link": "Link to pay",
    "changed": "Time of change",
    "customer_number": "Customer's number",
    "customer_name": "Customer's name",
    "contact_email": "Contact's e-mail",
    "contact_name": "Contact's name",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "locale": "Language",
    "active": "Active",
    "role": "Role",
}
"""The label of each field of a map."""
FIELDS_OF_LIST: Final = {
    "ListInvoices": INVOICE_FIELDS,
    "ListCreditNotes": INVOICE_FIELDS,
    "ListCustomers": CUSTOMER_FIELDS,
    "ListContacts": CONTACT_FIELDS,
    "ListRemovedInvoices": REMOVED_FIELDS,
}
"""The fields that the rows of each list command have, in the order of the form."""
REQUIRED_FIELDS: Final = {
    "ListInvoices": ("id", "number", "customer", "amount"),
    "ListCreditNotes": ("id", "number", "customer", "amount"),
    "ListCustomers": ("id", "name"),
    "ListContacts": ("email",),
    "ListRemovedInvoices": ("id",),
}
"""The fields without which a list command can't be saved, as far as the form marks them."""
