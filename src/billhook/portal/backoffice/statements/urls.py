"""The addresses of a customer's statement."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from billhook.portal.backoffice.statements import views

_source_statement: list[URLPattern | URLResolver] = [
    path("", views.source_statement, name="source-statement"),
    path("/document", views.source_document, name="source-statement-document"),
    path("/pages", views.source_pages, name="source-statement-pages"),
    path("/held/<str:token>/document", views.held_document, name="held-statement-document"),
    path("/held/<str:token>/text", views.held_text, name="held-statement-text"),
    path("/held/<str:token>/page/<int:number>.png", views.held_page, name="held-statement-page"),
]
patterns: list[URLPattern | URLResolver] = [
    path("/customers/<id:customer_id>/statement", views.statement, name="statement"),
    path("/customers/<id:customer_id>/statement.pdf", views.statement_pdf, name="statement-pdf"),
    path("/customers/<id:customer_id>/statement.csv", views.statement_csv, name="statement-csv"),
    path("/customers/<id:customer_id>/statements/<period:period>", include(_source_statement)),
]
