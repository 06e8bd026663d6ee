"""The addresses of signing in. The names starting with ``account_`` are django-allauth's."""

from __future__ import annotations

from django.urls import path

from billhook.portal.accounts import views

urlpatterns = [
    path("sign-in", views.SignInView.as_view(), name="account_request_login_code"),
    path("sign-in/code", views.CodeView.as_view(), name="account_confirm_login_code"),
    path("sign-in/password", views.PasswordView.as_view(), name="account_login"),
    path("sign-out", views.SignOutView.as_view(), name="account_logout"),
    path("settings", views.settings, name="settings"),
    path("settings/password", views.ChangePasswordView.as_view(), name="account_change_password"),
    path("settings/password/new", views.SetPasswordView.as_view(), name="account_set_password"),
]
