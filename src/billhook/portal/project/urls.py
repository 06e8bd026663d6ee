"""Every page and its address, both sites."""

from __future__ import annotations

from django.urls import include, path, register_converter

from billhook.portal.api.edge import api, api_elsewhere
from billhook.portal.backoffice.sync.nudge import nudge
from billhook.portal.backoffice.views_connect import callback
from billhook.portal.fields.converters import EntranceConverter, IdConverter, PeriodConverter

register_converter(IdConverter, "id")
register_converter(PeriodConverter, "period")
register_converter(EntranceConverter, "entrance")

urlpatterns = [
    path("", include("billhook.portal.clientportal.urls")),
    path("", include("billhook.portal.sign_in.urls")),
    path("", include("billhook.portal.organisations.urls")),
    path("backoffice/", include("billhook.portal.backoffice.urls")),
    path("nudge/<id:integration_id>/<str:secret>", nudge, name="nudge"),
    path("api/v1/<path:path>", api, name="api"),
    path("api/<path:path>", api_elsewhere, name="api-elsewhere"),
    path("oauth/callback", callback, name="oauth-callback"),
]

handler400 = "billhook.portal.project.errors.bad_request"
handler403 = "billhook.portal.project.errors.forbidden"
handler404 = "billhook.portal.project.errors.not_found"
handler429 = "billhook.portal.project.errors.too_many"
handler500 = "billhook.portal.project.errors.failed"
