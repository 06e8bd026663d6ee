"""The content of the contact's pages, put together for the templates."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import QueryDict

from billhook.portal.accounts.models import User
from billhook.portal.customers.access import customers_for_contact
from billhook.portal.invoices.access import invoices_for_contact
from billhook.portal.invoices.list_page import InvoiceList, list_of
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.shown_status import shown_status_of


def invoice_list(user: User, query: QueryDict, *, today: date) -> InvoiceList:
    """Return the list of the invoices that *user* may see, filtered by *query*."""
    customers = list(customers_for_contact(user))
    return list_of(invoices_for_contact(user), customers, query, today=today)


def invoice_facts(invoice: Invoice, *, today: date) -> dict[str, Any]:
    """Return the content that the page of one invoice shows at once."""
    return {
        "invoice": invoice,
        "status": shown_status_of(invoice, today=today),
        "source": f"{invoice.organisation.name}'s billing system",
    }
