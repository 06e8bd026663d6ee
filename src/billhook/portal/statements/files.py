"""The files of a statement, as responses: a PDF and a CSV file."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from billhook.engine.document_headers import PROTECTIVE, content_disposition
from billhook.portal.statements.choice import StatementChoice
from billhook.portal.statements.csv_file import export_statement
from billhook.portal.statements.file_name import statement_name
from billhook.portal.statements.page import StatementPage
from billhook.portal.statements.pdf_file import draw_statement

_PDF: Final = "application/pdf"
_CSV: Final = "text/csv; charset=utf-8"


def pdf_response(page: StatementPage) -> HttpResponse | None:
    """Respond with the PDF, or None if the page must say first what is missing or too long."""
    if page.choice is None or page.account is None or page.too_long:
        return None
    customer, period = page.choice.customer, page.choice.period
    content = draw_statement(page.account, customer=customer, period=period)
    response = HttpResponse(content, content_type=_PDF)
    _name(response, page.choice, extension="pdf")
    return response


def csv_response(page: StatementPage) -> StreamingHttpResponse | None:
    """Respond with the CSV file, or None if the page must say first what is missing."""
    if page.choice is None or page.account is None:
        return None
    response = StreamingHttpResponse(export_statement(page.account.lines()), content_type=_CSV)
    _name(response, page.choice, extension="csv")
    return response


def _name(response: HttpResponseBase, choice: StatementChoice, *, extension: str) -> None:
    """Let browsers save the file under a name with the customer's number and the days."""
    name = statement_name(choice.customer, choice.period, extension=extension)
    for header, value in PROTECTIVE:
        response.headers[header] = value
    response.headers["Content-Disposition"] = content_disposition(name, download=True)
