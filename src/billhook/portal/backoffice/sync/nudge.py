"""The nudge: a request by which a source says that something has changed.

Anyone who knows the secret address may send one. Nothing in it is believed: it means "look now".
"""

from __future__ import annotations

import hmac
import re
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from billhook.portal.sync import services
from billhook.portal.sync.access import source_with_nudge
from billhook.portal.sync.models import SyncSource
from billhook.portal.sync.runs import wiring_of
from billhook.portal.sync.scope import INVOICES

_ECHOED: Final = re.compile(r"[\w.~+/=-]{1,500}", re.ASCII)


@csrf_exempt
@login_not_required
def nudge(request: HttpRequest, integration_id: str, secret: str) -> HttpResponse:
    """Have a source read soon, for anyone who knows its secret address.

    Business Central sends a token that has to come back; Xero wants 401 for a wrong signature.
    """
    source = source_with_nudge(integration_id)
    given = services.digest_of(secret)
    if source is None or not hmac.compare_digest(source.nudge_digest, given):
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    token = request.GET.get("validationToken", "")
    if _ECHOED.fullmatch(token):
        return HttpResponse(token, content_type="text/plain; charset=utf-8")
    if not _is_signed(request, source):
        return HttpResponse(status=401)
    services.nudge(source=source)
    return HttpResponse(status=204)


def _is_signed(request: HttpRequest, source: SyncSource) -> bool:
    """Return whether the signature is right, if the integration demands one."""
    wiring = wiring_of(source)
    listing = wiring.integration.lists.get(INVOICES) if wiring is not None else None
    if wiring is None or listing is None or listing.nudge is None:
        return True
    return listing.nudge.is_signed(request.body, request.headers.items(), wiring.secrets)
