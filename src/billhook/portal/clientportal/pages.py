"""The content of the contact's pages, put together for the templates."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from billhook.portal.clientportal.reader import Reader
from billhook.portal.invoices.filters import Balance, balances
from billhook.portal.invoices.list_page import InvoiceList, ListedInvoices, all_of, list_of
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.shown_status import shown_status_of
from billhook.portal.statements.page import StatementPage


def invoice_list(reader: Reader, query: QueryDict, *, today: date) -> InvoiceList:
    """Return the list of the invoices that *reader* may see, filtered by *query*."""
    return list_of(_listed(reader), query, today=today)


def invoices_on_all_pages(reader: Reader, query: QueryDict, *, today: date) -> QuerySet[Invoice]:
    """Return the invoices on all pages of that list, in its order."""
    return all_of(_listed(reader), query, today=today)


def _listed(reader: Reader) -> ListedInvoices:
    return ListedInvoices(invoices=reader.listed_invoices, customers=reader.customers)


def invoice_balances(reader: Reader, found: InvoiceList, *, today: date) -> list[Balance]:
    """Return the balances of the invoices of *found*, of one customer if one is chosen."""
    theirs = reader.listed_invoices
    if found.criteria.customer_id:
        theirs = theirs.filter(customer_id=found.criteria.customer_id)
    return balances(theirs, today=today)


def statement_page(reader: Reader, query: QueryDict, *, today: date) -> StatementPage:
    """Return the statement of one of *reader*'s customers that *query* asks for."""
    listed = reader.listed_invoices
    return StatementPage(
        query,
        customers=reader.customers,
        invoices=lambda customer: listed.filter(customer_id=customer.id),
        today=today,
    )


def invoice_facts(invoice: Invoice, *, today: date) -> dict[str, Any]:
    """Return the content that the page of one invoice shows at once."""
    return {
        "invoice": invoice,
        "status": shown_status_of(invoice, today=today),
    }
