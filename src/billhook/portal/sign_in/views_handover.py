"""Sign-in with a token, for a person whom an organisation's own site sends here.

A GET shows a page whose form sends the token on at once, by a script or a button: so a program
that only looks at a link doesn't use it up. The session is a new one, and of that organisation.
"""

from __future__ import annotations

from typing import Final

from allauth.core.internal import ratelimit
from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from billhook.engine.tokens.catalogue import LOGIN_COMMAND
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.handover.access import parents_of
from billhook.portal.handover.arrival import Asked, NotHandedOver, NotSignedIn, Welcome, welcome
from billhook.portal.handover.asking import TokenQuestion
from billhook.portal.handover.framing import let_embed
from billhook.portal.handover.session import open_session
from billhook.portal.handover.tokens import read_token
from billhook.portal.integrations.access import organisation_with_command
from billhook.portal.organisations.models import Organisation

_LIMITS: Final = {"handover": "20/m/ip,600/m/key"}
"""Sign-ins by token from one network, and to one organisation."""


@login_not_required
@csrf_exempt  # the token signs in, no cookie; any page may send it
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest, organisation_id: str = "") -> HttpResponse:
    """Sign the bearer of ``authToken`` in at the organisation's entrance."""
    organisation = organisation_with_command(LOGIN_COMMAND, organisation_id)
    is_sent = request.method == "POST"
    asked = Asked.of((request.POST if is_sent else request.GET).dict())
    response = _response(request, organisation, asked, is_sent=is_sent)
    response.headers["Referrer-Policy"] = "no-referrer"
    if asked.no_chrome:
        let_embed(response, parents_of(organisation.id))
    return response


def _response(
    request: HttpRequest, organisation: Organisation, asked: Asked, *, is_sent: bool
) -> HttpResponse:
    token = read_token(asked.token)
    if token is None:
        return _refused(request, organisation, asked, NotHandedOver.INCOMPLETE)
    if not is_sent:
        context = {
            "organisation": organisation,
            "address": request.path,
            "asked": asked.fields,
            "is_embedded": asked.no_chrome,
        }
        return render(request, "sign_in/handover.html", context)
    if not _may_try(request, organisation):
        return _refused(request, organisation, asked, NotHandedOver.TOO_MANY)
    question = TokenQuestion(organisation=organisation, token=token)

    async def arrive() -> HttpResponseBase:
        try:
            found = await welcome(question, asked)
        except NotSignedIn as refused:
            refuse = sync_to_async(_refused)
            return await refuse(
                request, organisation, asked, refused.reason, run_id=question.run_id
            )
        return await sync_to_async(_signed_in)(organisation, asked, found)

    return DocumentResponse(arrive)


def _signed_in(organisation: Organisation, asked: Asked, found: Welcome) -> HttpResponse:
    response = HttpResponse(status=303, headers={"Location": found.address})
    open_session(response, asked.entrance_to(organisation), found.user)
    return response


def _may_try(request: HttpRequest, organisation: Organisation) -> bool:
    used = ratelimit.consume(
        request, app="billhook", action="handover", config=_LIMITS, key=organisation.id
    )
    return bool(used)


def _refused(
    request: HttpRequest,
    organisation: Organisation,
    asked: Asked,
    reason: NotHandedOver,
    *,
    run_id: str = "",
) -> HttpResponse:
    context = {
        "organisation": organisation,
        "sentence": reason.sentence(organisation.name),
        "is_embedded": asked.no_chrome,
        "run_id": run_id,
    }
    return render(request, "sign_in/handover_refused.html", context, status=reason.status)
