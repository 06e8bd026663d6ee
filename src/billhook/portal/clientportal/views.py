"""The contact's pages. Each view has four steps: who, what, do, respond."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from billhook.portal.accounts.who import user_of
from billhook.portal.clientportal import documents, pages
from billhook.portal.customers.access import is_contact
from billhook.portal.documents import viewer
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.token_values import Click
from billhook.portal.invoices.access import invoice_for_contact
from billhook.portal.invoices.file_name import document_name
from billhook.portal.organisations.home import home_of
from billhook.portal.runs.models import RunKind


@require_safe
def my_invoices(request: HttpRequest) -> HttpResponse:
    """List the invoices of all customers that the person is a contact of."""
    user = user_of(request)
    home = reverse("home")
    if not is_contact(user) and (other := home_of(user)) != home:
        return HttpResponseRedirect(other)
    found = pages.invoice_list(user, request.GET, today=timezone.localdate())
    return render(request, "clientportal/invoices.html", {"list": found})


@require_safe
def invoice_page(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """Show the facts of one invoice at once; its document follows (:func:`view_pages`)."""
    user = user_of(request)
    invoice = invoice_for_contact(user, invoice_id)
    facts = pages.invoice_facts(invoice, today=timezone.localdate())
    return render(request, "clientportal/invoice.html", facts)


@require_GET
def view_document(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """Respond with the document that the operator's system returns for this invoice."""
    user = user_of(request)
    invoice = invoice_for_contact(user, invoice_id)
    download = "download" in request.GET
    click = Click(invoice=invoice, user=user)
    wanted = InvoiceDocument(click=click, kind=RunKind.DOWNLOAD if download else RunKind.VIEW)
    return documents.file_response(wanted, download=download)


@require_GET
def view_pages(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """Respond with the part of the invoice's page that shows the document, page by page."""
    user = user_of(request)
    invoice = invoice_for_contact(user, invoice_id)
    wanted = InvoiceDocument(click=Click(invoice=invoice, user=user), kind=RunKind.VIEW)
    return documents.pages_response(wanted)


@require_GET
def held_page(request: HttpRequest, invoice_id: str, token: str, number: int) -> HttpResponse:
    """Respond with the image of one page of the document on the screen."""
    user = user_of(request)
    invoice = invoice_for_contact(user, invoice_id)
    holder = documents.holder_of(invoice, user.id)
    return viewer.page_response(token, holder, number=number)


@require_GET
def held_document(request: HttpRequest, invoice_id: str, token: str) -> HttpResponse:
    """Respond with the same bytes as on the screen; fetch them again once they have expired."""
    user = user_of(request)
    invoice = invoice_for_contact(user, invoice_id)
    holder = documents.holder_of(invoice, user.id)
    try:
        return viewer.file_response(token, holder, download="download" in request.GET)
    except Http404:
        query = "?download" if "download" in request.GET else ""
        return HttpResponseRedirect(reverse("document", args=[invoice.id]) + query)


@require_GET
def held_e_invoice(request: HttpRequest, invoice_id: str, token: str) -> HttpResponse:
    """Respond with the e-invoice (XML) inside the PDF on the screen."""
    user = user_of(request)
    invoice = invoice_for_contact(user, invoice_id)
    holder = documents.holder_of(invoice, user.id)
    name = document_name(invoice, extension="xml")
    return viewer.e_invoice_response(token, holder, file_name=name)
