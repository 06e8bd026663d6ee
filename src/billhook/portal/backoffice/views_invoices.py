"""Invoices: the list, one of them, and the list as a file."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from billhook.portal.backoffice.forms import InvoiceForm, customer_search_address
from billhook.portal.backoffice.pages import confirm, member_for, page
from billhook.portal.customers.access import customers_for_member, has_customers
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.integrations.access import first_enabled, integration_behind
from billhook.portal.invoices import access, services
from billhook.portal.invoices.csv_export import export_invoices
from billhook.portal.invoices.list_page import ListedInvoices, all_of, list_of
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.shown_status import shown_status_of
from billhook.portal.notices.access import notices_of_invoice
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.count import count_up_to
from billhook.portal.runs.access import runs_of_invoice
from billhook.portal.sync.access import unassigned_rows

SECTION: Final = "invoices"
_RUNS_SHOWN: Final = 10
_NOTICES_SHOWN: Final = 20


@require_safe
def invoices(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the invoices of all customers, drafts too."""
    member = member_for(request, organisation_id)
    found = list_of(_listed(member), request.GET, today=timezone.localdate())
    context = {
        "list": found,
        "unassigned": count_up_to(unassigned_rows(member)),
        "hidden": count_up_to(access.hidden_invoices(member)),
    }
    return page(request, member, "backoffice/invoices/list.html", context, section=SECTION)


@require_safe
def export(request: HttpRequest, organisation_id: str) -> StreamingHttpResponse:
    """Respond with the invoices of the list, on all its pages, as a CSV file."""
    member = member_for(request, organisation_id)
    today = timezone.localdate()
    rows = all_of(_listed(member), request.GET, today=today)
    content = export_invoices(rows.iterator(chunk_size=2000))
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="invoices-{today}.csv"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def new_invoice(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Create an invoice."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if request.method == "POST":
        form = InvoiceForm(request.POST, member=member)
    else:
        form = InvoiceForm(initial=_initial(request), member=member)
    return _saved(request, form) or _edit_page(request, member, form)


@require_safe
def invoice(request: HttpRequest, organisation_id: str, invoice_id: str) -> HttpResponse:
    """Show an invoice, with its last views and their outcomes."""
    member = member_for(request, organisation_id)
    row = access.invoice_for_member(member, invoice_id)
    context = {
        "invoice": row,
        "status": shown_status_of(row, today=timezone.localdate()),
        "runs": runs_of_invoice(member, row, most=_RUNS_SHOWN),
        "notices": notices_of_invoice(member, row, most=_NOTICES_SHOWN),
        "integration": first_enabled(member),
        "comes_from": integration_behind(member, row.integration_id),
    }
    return page(request, member, "backoffice/invoices/detail.html", context, section=SECTION)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_invoice(request: HttpRequest, organisation_id: str, invoice_id: str) -> HttpResponse:
    """Change an invoice's facts."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.invoice_for_member(member, invoice_id)
    if integration_behind(member, row.integration_id):
        return _kept_by_source(request, row)
    if request.method == "POST":
        form = InvoiceForm(request.POST, member=member)
    else:
        form = InvoiceForm.showing(row, member=member)
    return _saved(request, form, row) or _edit_page(request, member, form, row)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_invoice(request: HttpRequest, organisation_id: str, invoice_id: str) -> HttpResponse:
    """Remove an invoice's record, after a question."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.invoice_for_member(member, invoice_id)
    if integration_behind(member, row.integration_id):
        return _kept_by_source(request, row)
    if request.method == "POST":
        services.remove_invoice(invoice=row)
        messages.success(request, f"Invoice {row.number} is removed.")
        return HttpResponseRedirect(reverse("backoffice:invoices", args=[organisation_id]))
    return confirm(
        request,
        member,
        question=f"Remove invoice {row.number}?",
        consequence="Its record is deleted, and the customer can't see it. The document in your "
        "billing system stays.",
        button="Remove",
        back=_address(row),
        section=SECTION,
    )


def _kept_by_source(request: HttpRequest, row: Invoice) -> HttpResponse:
    """Change nothing: the next sync would undo it."""
    messages.error(request, f"Invoice {row.number} comes from an integration. Change it there.")
    return HttpResponseRedirect(_address(row))


def _listed(member: Member) -> ListedInvoices:
    return ListedInvoices(
        invoices=access.invoices_for_member(member),
        customers=customers_for_member(member),
        address=customer_search_address(member),
        by_customer=access.invoices_by_customer(member),
    )


def _initial(request: HttpRequest) -> dict[str, object]:
    """Return the usual facts: today's date, and the customer or number that led here."""
    return {
        "issued_on": timezone.localdate(),
        "customer": request.GET.get("customer"),
        "number": request.GET.get("number", "")[:100],
    }


def _saved(
    request: HttpRequest, form: InvoiceForm, row: Invoice | None = None
) -> HttpResponse | None:
    if not form.is_valid():
        return None
    try:
        saved = services.save_invoice(
            customer=form.customer_chosen(), facts=form.facts(), invoice=row
        )
    except FieldProblem as problem:
        problem.show_in(form)
        return None
    messages.success(request, f"Invoice {saved.number} is saved.")
    return HttpResponseRedirect(_address(saved))


def _edit_page(
    request: HttpRequest, member: Member, form: InvoiceForm, row: Invoice | None = None
) -> HttpResponse:
    context = {"form": form, "invoice": row, "has_customers": has_customers(member)}
    return page(request, member, "backoffice/invoices/edit.html", context, section=SECTION)


def _address(row: Invoice) -> str:
    return reverse("backoffice:invoice", args=[row.organisation_id, row.id])
