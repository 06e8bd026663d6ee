"""The statement of a customer for its contacts: our own, and that of the operator's system."""

from __future__ import annotations

import math
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from billhook.portal.clientportal import pages
from billhook.portal.clientportal.reader import Reader, reader_of
from billhook.portal.documents.visits.document_page import seconds_to_wait
from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.statements.files import csv_response, pdf_response
from billhook.portal.statements.visit import StatementVisit


@require_safe
def statement(request: HttpRequest, **place: str) -> HttpResponse:
    """Show the statement of a customer for a period."""
    reader = reader_of(request, **place)
    found = pages.statement_page(reader, request.GET, today=timezone.localdate())
    context = {"statement": found, **reader.context}
    return render(request, "clientportal/statement.html", context)


@require_GET
def statement_pdf(request: HttpRequest, **place: str) -> HttpResponseBase:
    """Respond with the same as a PDF, or with the page that says why there is none."""
    reader = reader_of(request, **place)
    found = pages.statement_page(reader, request.GET, today=timezone.localdate())
    if seconds := seconds_to_wait(reader.reader_id):
        return _too_fast(request, reader, seconds)
    return pdf_response(found) or _to_page(request, reader)


@require_GET
def statement_csv(request: HttpRequest, **place: str) -> HttpResponseBase:
    """Respond with the same as a CSV file, or with the page that says why there is none."""
    reader = reader_of(request, **place)
    found = pages.statement_page(reader, request.GET, today=timezone.localdate())
    if seconds := seconds_to_wait(reader.reader_id):
        return _too_fast(request, reader, seconds)
    return csv_response(found) or _to_page(request, reader)


@require_safe
def source_statement(request: HttpRequest, **place: Any) -> HttpResponse:
    """Show the page of the statement that the operator's system makes; it follows."""
    template = "clientportal/source_statement.html"
    return _visit(request, **place).page(lambda values: render(request, template, values))


@require_GET
def source_document(request: HttpRequest, **place: Any) -> HttpResponse:
    """Respond with the statement that the operator's system makes."""
    return _visit(request, **place).file(download="download" in request.GET)


@require_GET
def source_pages(request: HttpRequest, **place: Any) -> HttpResponse:
    """Respond with the part of its page that shows it, page by page."""
    return _visit(request, **place).pages()


@require_GET
def held_page(request: HttpRequest, token: str, number: int, **place: Any) -> HttpResponse:
    """Respond with the image of one page of the statement on the screen."""
    return _visit(request, **place).held_page(token, number, is_sharp="sharp" in request.GET)


@require_GET
def held_text(request: HttpRequest, token: str, **place: Any) -> HttpResponse:
    """Respond with the text of the statement on the screen, for laying over its pages."""
    return _visit(request, **place).held_text(token)


@require_GET
def held_document(request: HttpRequest, token: str, **place: Any) -> HttpResponse:
    """Respond with the same bytes as on the screen; fetch them again once they have expired."""
    return _visit(request, **place).held_file(token, download="download" in request.GET)


def _visit(
    request: HttpRequest, *, customer_id: str, period: StatementPeriod, **place: str
) -> StatementVisit:
    reader = reader_of(request, **place)
    return reader.statement(customer_id, period, download="download" in request.GET)


def _to_page(request: HttpRequest, reader: Reader) -> HttpResponse:
    return HttpResponseRedirect(f"{reader.address('statement')}?{request.GET.urlencode()}")


def _too_fast(request: HttpRequest, reader: Reader, seconds: float) -> HttpResponse:
    messages.info(request, "You opened many documents within a minute. Wait a moment.")
    response = _to_page(request, reader)
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response
