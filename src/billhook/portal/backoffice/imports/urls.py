"""The addresses of the pages of imports, within an organisation."""

from __future__ import annotations

from django.urls import path

from billhook.portal.backoffice.imports import views

patterns = [
    path("/imports", views.imports, name="imports"),
    path("/imports/<id:import_id>", views.show_import, name="import"),
    path("/imports/<id:import_id>/columns", views.choose_columns, name="import-columns"),
    path("/imports/<id:import_id>/confirm", views.confirm_import, name="import-confirm"),
    path("/imports/<id:import_id>/discard", views.discard_import, name="import-discard"),
    path("/imports/<id:import_id>/undo", views.undo_import, name="import-undo"),
    path("/imports/<id:import_id>/refused.csv", views.refused_rows, name="import-refused"),
    path("/imports/<id:import_id>/invite", views.invite_contacts, name="import-invite"),
    path("/invoices/import", views.choose_invoices, name="invoice-import"),
    path("/customers/import", views.choose_customers, name="customer-import"),
]
