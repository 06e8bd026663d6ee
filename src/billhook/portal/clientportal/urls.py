"""The addresses of the contact's pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from billhook.portal.clientportal import notices, views, views_downloads, views_statement

_source_statement = [
    path("", views_statement.source_statement, name="source-statement"),
    path("/document", views_statement.source_document, name="source-statement-document"),
    path("/pages", views_statement.source_pages, name="source-statement-pages"),
    path(
        "/held/<str:token>/document", views_statement.held_document, name="held-statement-document"
    ),
    path("/held/<str:token>/text", views_statement.held_text, name="held-statement-text"),
    path(
        "/held/<str:token>/page/<int:number>.png",
        views_statement.held_page,
        name="held-statement-page",
    ),
]
_pages: list[URLPattern | URLResolver] = [
    path("", views.my_invoices, name="home"),
    path("invoices/<id:invoice_id>", views.invoice_page, name="invoice"),
    path("invoices/<id:invoice_id>/document", views.view_document, name="document"),
    path("invoices/<id:invoice_id>/pages", views.view_pages, name="pages"),
    path(
        "invoices/<id:invoice_id>/held/<str:token>/document",
        views.held_document,
        name="held-document",
    ),
    path(
        "invoices/<id:invoice_id>/held/<str:token>/e-invoice.xml",
        views.held_e_invoice,
        name="held-e-invoice",
    ),
    path("invoices/<id:invoice_id>/held/<str:token>/text", views.held_text, name="held-text"),
    path(
        "invoices/<id:invoice_id>/held/<str:token>/page/<int:number>.png",
        views.held_page,
        name="held-page",
    ),
    path("statement", views_statement.statement, name="statement"),
    path("statement.pdf", views_statement.statement_pdf, name="statement-pdf"),
    path("statement.csv", views_statement.statement_csv, name="statement-csv"),
    path("statements/<id:customer_id>/<period:period>", include(_source_statement)),
]
_pay = path("invoices/<id:invoice_id>/pay", views.pay, name="pay")
urlpatterns: list[URLPattern | URLResolver] = [
    *_pages,
    _pay,
    path("downloads", views_downloads.downloads, name="downloads"),
    path("downloads/<id:download_id>", views_downloads.download_file, name="download-file"),
    path("downloads/<id:download_id>/again", views_downloads.download_again, name="download-again"),
    path(
        "downloads/<id:download_id>/delete", views_downloads.download_delete, name="download-delete"
    ),
    path("as/<id:contact_id>/", include((_pages, "as"))),
    path("settings/notices", notices.choose, name="choose-notices"),
    path("stop-notices/<str:token>", notices.stop, name="stop-notices"),
    path(
        "<entrance:entrance_kind>/<id:organisation_id>/",
        include(([*_pages, _pay, path("sign-out", views.leave, name="leave")], "entrance")),
    ),
]
