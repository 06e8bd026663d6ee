"""The address of the set-up page."""

from __future__ import annotations

from django.urls import path

from billhook.portal.organisations import views

urlpatterns = [path("setup", views.setup, name="setup")]
