"""The statement of a customer for members: our own, and that of the operator's system."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.backoffice.views_customers import SECTION
from billhook.portal.customers.access import customer_for_member
from billhook.portal.documents.statement_click import StatementClick
from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.invoices.access import invoices_of_customer
from billhook.portal.organisations.access import may
from billhook.portal.organisations.models import Member, Role
from billhook.portal.runs.models import RunKind
from billhook.portal.statements.files import csv_response, pdf_response
from billhook.portal.statements.page import StatementPage
from billhook.portal.statements.source_document import SourceStatement
from billhook.portal.statements.visit import StatementVisit, query_of


@require_safe
def statement(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponse:
    """Show the statement of a customer for a period, as its contacts see it."""
    member = member_for(request, organisation_id)
    found = _statement(request, member, customer_id)
    context = {"statement": found, "customer": found.customer}
    return page(request, member, "backoffice/customers/statement.html", context, section=SECTION)


@require_GET
def statement_pdf(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponseBase:
    """Respond with the same as a PDF, or with the page that says why there is none."""
    member = member_for(request, organisation_id)
    found = _statement(request, member, customer_id)
    return pdf_response(found) or _to_page(request, member, customer_id)


@require_GET
def statement_csv(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponseBase:
    """Respond with the same as a CSV file, or with the page that says why there is none."""
    member = member_for(request, organisation_id)
    found = _statement(request, member, customer_id)
    return csv_response(found) or _to_page(request, member, customer_id)


@require_safe
def source_statement(request: HttpRequest, **place: Any) -> HttpResponse:
    """Show the page of the statement that the operator's system makes; it follows."""
    visit, member = _visit(request, **place)
    template = "backoffice/customers/source_statement.html"
    return visit.page(lambda values: page(request, member, template, values, section=SECTION))


@require_GET
def source_document(request: HttpRequest, **place: Any) -> HttpResponse:
    """Respond with the statement that the operator's system makes."""
    visit, _ = _visit(request, **place)
    return visit.file(download="download" in request.GET)


@require_GET
def source_pages(request: HttpRequest, **place: Any) -> HttpResponse:
    """Respond with the part of its page that shows it, page by page."""
    visit, _ = _visit(request, **place)
    return visit.pages()


@require_GET
def held_page(request: HttpRequest, token: str, number: int, **place: Any) -> HttpResponse:
    """Respond with the image of one page of the statement on the screen."""
    visit, _ = _visit(request, **place)
    return visit.held_page(token, number, is_sharp="sharp" in request.GET)


@require_GET
def held_text(request: HttpRequest, token: str, **place: Any) -> HttpResponse:
    """Respond with the text of the statement on the screen, for laying over its pages."""
    visit, _ = _visit(request, **place)
    return visit.held_text(token)


@require_GET
def held_document(request: HttpRequest, token: str, **place: Any) -> HttpResponse:
    """Respond with the same bytes as on the screen; fetch them again once they have expired."""
    visit, _ = _visit(request, **place)
    return visit.held_file(token, download="download" in request.GET)


def _visit(
    request: HttpRequest, *, organisation_id: str, customer_id: str, period: StatementPeriod
) -> tuple[StatementVisit, Member]:
    """Return the visit to the statement that a source makes, for those who may try sources."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    customer = customer_for_member(member, customer_id)
    click = StatementClick(customer=customer, period=period, user=member.user)
    kind = RunKind.DOWNLOAD if "download" in request.GET else RunKind.VIEW
    ids = [organisation_id, customer_id]
    visit = StatementVisit(
        wanted=SourceStatement(
            click=click, kind=kind, reader_id=member.user_id, shared_by="members"
        ),
        address=reverse("backoffice:source-statement", args=[*ids, period]),
        own=f"{reverse('backoffice:statement', args=ids)}?{query_of(click)}",
        context=dict,
    )
    return visit, member


def _statement(request: HttpRequest, member: Member, customer_id: str) -> StatementPage:
    row = customer_for_member(member, customer_id)
    return StatementPage(
        request.GET,
        customer=row,
        invoices=lambda customer: invoices_of_customer(member, customer),
        today=timezone.localdate(),
        may_ask=may(member, Role.EDITOR),
    )


def _to_page(request: HttpRequest, member: Member, customer_id: str) -> HttpResponse:
    address = reverse("backoffice:statement", args=[member.organisation_id, customer_id])
    return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
