"""The description of the API, for everybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billhook.portal.api.description.openapi import openapi_json


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the signature is Django's
    """Respond with the OpenAPI document."""
    return HttpResponse(openapi_json(), content_type="application/json")
