"""The responses to Pay: the way to the payment page, a question, or one kind sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from billhook.engine.errors import BillhookError, DocumentNotFound
from billhook.portal.clientportal.reader import Reader
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.documents.token_values import Click
from billhook.portal.documents.visits.document_page import seconds_to_wait, status_of
from billhook.portal.invoices.models import Invoice
from billhook.portal.payments.pay_key import has_pay_key, pay_key
from billhook.portal.payments.payable import is_payable, payable_ids
from billhook.portal.payments.payment_link import PaymentLink, PaymentPage
from billhook.portal.runs.outcomes import needs_member

_PAGE: Final = "clientportal/pay.html"
_CONFLICT: Final = 409
_TOO_MANY_REQUESTS: Final = 429


def pay_buttons(
    request: HttpRequest, reader: Reader, invoices: Sequence[Invoice]
) -> dict[str, dict[str, str]]:
    """Return the keys of the Pay buttons by the ids of those of *invoices* that can be paid.

    A member who looks as a contact has none: they only look.
    """
    payable = payable_ids(invoices) if reader.contact is None else frozenset()
    return {
        "pay_keys": {each.id: pay_key(request, each) for each in invoices if each.id in payable}
    }


def pay_response(request: HttpRequest, reader: Reader, invoice: Invoice) -> HttpResponseBase:
    """Return the response that leads to the page where *invoice* is paid, in the same tab.

    In an embedded page it becomes a page with a link instead: a payment page opens in no frame, and
    only a click of the person may replace the page around ours.
    """
    if not is_payable(invoice):
        return _page(request, reader, invoice, "nothing", status=_CONFLICT)
    if not has_pay_key(request, invoice):
        return _page(request, reader, invoice, "ask", key=pay_key(request, invoice))
    if seconds := seconds_to_wait(reader.reader_id):
        response = _page(request, reader, invoice, "wait", status=_TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(math.ceil(seconds))
        return response
    link = PaymentLink(click=Click(invoice=invoice, user=reader.user))

    async def lead() -> HttpResponseBase:
        try:
            page = await link.find()
        except BillhookError as error:
            return await sync_to_async(_failure)(request, reader, link, error)
        if reader.entrance is not None and reader.entrance.is_embedded:
            return await sync_to_async(_page)(request, reader, invoice, "leave", page=page)
        return _redirect(page)

    return _private(DocumentResponse(lead))


def _redirect(page: PaymentPage) -> HttpResponse:
    return _private(HttpResponse(status=303, headers={"Location": page.url}))


def _failure(
    request: HttpRequest, reader: Reader, link: PaymentLink, error: BillhookError
) -> HttpResponse:
    """Respond with one kind sentence. The run has the details, for members."""
    invoice = link.click.invoice
    state = "failed"
    if isinstance(error, DocumentNotFound):
        state = "missing"
    elif needs_member(error.code, error.reason):
        state = "reported"
    more = {"key": pay_key(request, invoice), "run_id": link.run_id}
    response = _page(request, reader, invoice, state, status=status_of(error), **more)
    response.headers["Billhook-Run"] = link.run_id
    return response


def _page(
    request: HttpRequest,
    reader: Reader,
    invoice: Invoice,
    state: str,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {"invoice": invoice, "state": state, **reader.context, **more}
    return _private(render(request, _PAGE, context, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    """Return *response* with headers by which nobody keeps it, or learns where it was clicked."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
