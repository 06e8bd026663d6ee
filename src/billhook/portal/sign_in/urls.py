"""The addresses of signing in. The names starting with ``account_`` are django-allauth's."""

from __future__ import annotations

from django.urls import path

from billhook.portal.sign_in import views, views_handover

urlpatterns = [
    path("authentication/login", views_handover.login, name="handover"),
    path(
        "authentication/<id:organisation_id>/login",
        views_handover.login,
        name="handover-to",
    ),
    path("sign-in", views.sign_in, name="account_request_login_code"),
    path("sign-in/code", views.code, name="account_confirm_login_code"),
    path("sign-in/password", views.password, name="account_login"),
    path("sign-out", views.sign_out, name="account_logout"),
    path("settings", views.settings, name="settings"),
    path("settings/password", views.change_password, name="account_change_password"),
    path("settings/password/new", views.set_password, name="account_set_password"),
]
