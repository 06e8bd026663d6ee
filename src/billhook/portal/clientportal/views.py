"""The contact's pages. Each view has four steps: who, what, do, respond.

With a contact's id, an editor or owner of the contact's organisation looks at the same pages.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from billhook.portal.clientportal import pages, payments
from billhook.portal.clientportal.reader import reader_of
from billhook.portal.customers.access import is_contact
from billhook.portal.documents import viewer
from billhook.portal.documents.visits.document_page import file_response, pages_response
from billhook.portal.installation import environment
from billhook.portal.invoices.file_name import document_name
from billhook.portal.organisations.home import home_of
from billhook.portal.sync.status import oldest_time


@require_safe
def my_invoices(request: HttpRequest, **place: str) -> HttpResponse:
    """List the invoices of all customers that the person is a contact of."""
    reader = reader_of(request, **place)
    if not place and not is_contact(reader.user):
        other = home_of(reader.user)
        if other != reverse("home"):
            return HttpResponseRedirect(other)
    today = timezone.localdate()
    found = pages.invoice_list(reader, request.GET, today=today)
    context = {
        "list": found,
        "balances": pages.invoice_balances(reader, found, today=today),
        **reader.context,
        "most_in_zip": environment.current().zip_invoices,
        **payments.pay_buttons(request, reader, [row.invoice for row in found.rows]),
        "as_of": oldest_time(list(reader.sources)),
    }
    return render(request, "clientportal/invoices.html", context)


@require_safe
def invoice_page(request: HttpRequest, invoice_id: str, **place: str) -> HttpResponse:
    """Show the facts of one invoice at once; its document follows (:func:`view_pages`)."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    facts = pages.invoice_facts(invoice, today=timezone.localdate())
    buttons = payments.pay_buttons(request, reader, [invoice])
    context = facts | reader.place(invoice).shown_with() | buttons
    return render(request, "clientportal/invoice.html", context)


@require_GET
def pay(request: HttpRequest, invoice_id: str, **place: str) -> HttpResponseBase:
    """Lead to the page where this invoice is paid, as the operator's system names it now."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    return payments.pay_response(request, reader, invoice)


@require_GET
def view_document(request: HttpRequest, invoice_id: str, **place: str) -> HttpResponse:
    """Respond with the document that the operator's system returns for this invoice."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    download = "download" in request.GET
    wanted = reader.document(invoice, download=download)
    return file_response(wanted, reader.place(invoice), download=download)


@require_GET
def view_pages(request: HttpRequest, invoice_id: str, **place: str) -> HttpResponse:
    """Respond with the part of the invoice's page that shows the document, page by page."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    return pages_response(reader.document(invoice), reader.place(invoice))


@require_GET
def held_page(
    request: HttpRequest, invoice_id: str, token: str, number: int, **place: str
) -> HttpResponse:
    """Respond with the image of one page of the document on the screen."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    holder = reader.holder(invoice)
    return viewer.page_response(token, holder, number=number, is_sharp="sharp" in request.GET)


@require_GET
def held_text(request: HttpRequest, invoice_id: str, token: str, **place: str) -> HttpResponse:
    """Respond with the text of the document on the screen, for laying over its pages."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    return viewer.text_response(token, reader.holder(invoice))


@require_GET
def held_document(request: HttpRequest, invoice_id: str, token: str, **place: str) -> HttpResponse:
    """Respond with the same bytes as on the screen; fetch them again once they have expired."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    holder = reader.holder(invoice)
    try:
        return viewer.file_response(token, holder, download="download" in request.GET)
    except Http404:
        query = "?download" if "download" in request.GET else ""
        return HttpResponseRedirect(reader.address("document", invoice.id) + query)


@require_GET
def held_e_invoice(request: HttpRequest, invoice_id: str, token: str, **place: str) -> HttpResponse:
    """Respond with the e-invoice (XML) inside the PDF on the screen."""
    reader = reader_of(request, **place)
    invoice = reader.invoice(invoice_id)
    holder = reader.holder(invoice)
    name = document_name(invoice, extension="xml")
    return viewer.e_invoice_response(token, holder, file_name=name)


@require_POST
def leave(request: HttpRequest, **place: str) -> HttpResponse:
    """End the session of a person whom the organisation's own site has handed over."""
    reader = reader_of(request, **place)
    request.session.flush()
    return HttpResponseRedirect(reader.address("home"))
