"""The addresses of the contact's pages."""

from __future__ import annotations

from django.urls import path

from billhook.portal.clientportal import views

urlpatterns = [
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
    path(
        "invoices/<id:invoice_id>/held/<str:token>/page/<int:number>.png",
        views.held_page,
        name="held-page",
    ),
]
