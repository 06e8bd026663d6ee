"""The paths of the API, below /api/v1."""

from __future__ import annotations

from django.urls import path

from billhook.portal.api.application import api
from billhook.portal.api.description.views import openapi

urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    *api.urls[0],
]
