"""The addresses of the page Notices."""

from __future__ import annotations

from typing import Final

from django.urls import path

from billhook.portal.backoffice.notices import checks, texts, views

patterns: Final = [
    path("/notices", views.notices, name="notices"),
    path("/notices/mine", views.choose_mine, name="notice-mine"),
    path("/notices/mail/<id:mailing_id>/again", views.send_again, name="notice-again"),
    path(
        "/integrations/<id:integration_id>/check",
        checks.nightly_check,
        name="integration-check",
    ),
    path("/notices/texts/<str:kind>/<str:code>", texts.edit_text, name="notice-text"),
]
