"""Every page and its address, both sites."""

from __future__ import annotations

from django.urls import include, path, register_converter

from billhook.portal.backoffice.views_connect import callback
from billhook.portal.fields.converters import IdConverter

register_converter(IdConverter, "id")

urlpatterns = [
    path("", include("billhook.portal.clientportal.urls")),
    path("", include("billhook.portal.sign_in.urls")),
    path("", include("billhook.portal.organisations.urls")),
    path("backoffice/", include("billhook.portal.backoffice.urls")),
    path("oauth/callback", callback, name="oauth-callback"),
]

handler400 = "billhook.portal.project.errors.bad_request"
handler403 = "billhook.portal.project.errors.forbidden"
handler404 = "billhook.portal.project.errors.not_found"
handler429 = "billhook.portal.project.errors.too_many"
handler500 = "billhook.portal.project.errors.failed"
