"""Connecting an integration: begin, come back from the other system, disconnect."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billhook.engine.errors import BillhookError
from billhook.portal.accounts.who import user_of
from billhook.portal.backoffice.pages import confirm, member_for, page
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.integrations import access, services
from billhook.portal.integrations.connection import (
    CodeExchange,
    begin_connection,
    callback_address,
    finish_connection,
    take_pending,
)
from billhook.portal.integrations.models import Integration
from billhook.portal.limits.rates import limited
from billhook.portal.organisations.models import Role

SECTION: Final = "integrations"
_PAGE: Final = "backoffice/integrations/connect.html"
_FAILED: Final = "backoffice/integrations/connect_failed.html"
_NO_REFERRER: Final = {"Referrer-Policy": "no-referrer"}
"""The address of the callback contains a code: it is sent to no other site."""


@require_POST
@limited("connect", "30/m/user")
def connect(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Begin to connect: show where the member is about to go, and who will send them back."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id)
    try:
        consent = begin_connection(member=member, integration=row, session=request.session)
    except BillhookError as error:
        context = {"integration": row, "problem": error.public_message}
        return page(request, member, _PAGE, context, section=SECTION, status=422)
    context = {"integration": row, "consent": consent, "callback": callback_address()}
    return page(request, member, _PAGE, context, section=SECTION)


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Take the code that the other system sent along, and exchange it for tokens."""
    user_of(request)
    state = request.GET.get("state", "")
    row: Integration | None = None
    try:
        pending = take_pending(request.session, state)
        request.session.save()  # Django doesn't save it with a placeholder, which is a 503
        member = member_for(request, pending.organisation_id, at_least=Role.EDITOR)
        row = access.integration_for_member(member, pending.integration_id)
        exchange = finish_connection(
            member=member,
            integration=row,
            pending=pending,
            query=request.META.get("QUERY_STRING", ""),
            state=state,
        )
    except BillhookError as error:
        return _failed(error, row, status=400)
    return DocumentResponse(lambda: _exchanged(exchange))


async def _exchanged(exchange: CodeExchange) -> HttpResponse:
    try:
        await exchange.run()
    except BillhookError as error:
        return _failed(error, exchange.integration, status=502)
    return HttpResponseRedirect(_address(exchange.integration), headers=_NO_REFERRER)


def _failed(error: BillhookError, row: Integration | None, *, status: int) -> HttpResponse:
    context = {"problem": error.public_message, "integration": row}
    text = render_to_string(_FAILED, context)
    return HttpResponse(text, status=status, headers=_NO_REFERRER)


@require_http_methods(["GET", "HEAD", "POST"])
def disconnect(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Delete the tokens of an integration, after a question."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id)
    if request.method == "POST":
        services.disconnect_integration(integration=row)
        messages.success(request, f"{row.name} is disconnected.")
        return HttpResponseRedirect(_address(row))
    return confirm(
        request,
        member,
        question=f"Disconnect {row.name}?",
        consequence="Its tokens are deleted, and customers get no documents from it until "
        "it is connected again. To end the access for good, revoke it in the other system, too.",
        button="Disconnect",
        back=_address(row),
        section=SECTION,
    )


def _address(row: Integration) -> str:
    return reverse("backoffice:integration", args=[row.organisation_id, row.id])
