"""The addresses of the members' pages. Each begins with the organisation that it is about."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from billhook.portal.backoffice import (
    urls_integrations,
    views_customers,
    views_held,
    views_home,
    views_invoices,
    views_mail,
    views_people,
)
from billhook.portal.backoffice.imports import urls as imports
from billhook.portal.backoffice.jobs import urls as jobs
from billhook.portal.backoffice.notices import urls as notices
from billhook.portal.backoffice.start import views as start
from billhook.portal.backoffice.statements import urls as statements
from billhook.portal.backoffice.sync import urls as sync
from billhook.portal.backoffice.webhooks import urls as webhooks

app_name = "backoffice"

_invoices = [
    path("", views_invoices.invoices, name="invoices"),
    path("/new", views_invoices.new_invoice, name="invoice-new"),
    path("/export.csv", views_invoices.export, name="invoice-export"),
    path("/<id:invoice_id>", views_invoices.invoice, name="invoice"),
    path("/<id:invoice_id>/edit", views_invoices.edit_invoice, name="invoice-edit"),
    path("/<id:invoice_id>/remove", views_invoices.remove_invoice, name="invoice-remove"),
]
_customers = [
    path("", views_customers.customers, name="customers"),
    path("/new", views_customers.new_customer, name="customer-new"),
    path("/search", views_customers.search_customers, name="customer-search"),
    path("/<id:customer_id>", views_customers.customer, name="customer"),
    path("/<id:customer_id>/edit", views_customers.edit_customer, name="customer-edit"),
    path("/<id:customer_id>/remove", views_customers.remove_customer, name="customer-remove"),
    path("/<id:customer_id>/contacts", views_customers.invite_contact, name="contact-invite"),
]
_members = [
    path("", views_people.members, name="members"),
    path("/invite", views_people.invite_member, name="member-invite"),
    path("/<id:member_id>/role", views_people.change_role, name="member-role"),
    path("/<id:member_id>/remove", views_people.remove_member, name="member-remove"),
]
_pages: list[URLPattern | URLResolver] = [
    path("", views_home.home, name="home"),
    path("/start", start.start, name="start"),
    path("/sample", start.sample, name="sample"),
    *imports.patterns,
    *jobs.patterns,
    *notices.patterns,
    *statements.patterns,
    *sync.patterns,
    *webhooks.patterns,
    path("/invoices", include(_invoices)),
    path("/customers", include(_customers)),
    path("/contacts/<id:contact_id>/remove", views_customers.remove_contact, name="contact-remove"),
    path("/members", include(_members)),
    path("/settings", views_people.settings, name="settings"),
    path("/settings/embedding", views_people.embedding, name="embedding"),
    path("/settings/test-mail", views_mail.send_test, name="test-mail"),
    path("/mail/<id:mail_id>/again", views_mail.send_again, name="mail-again"),
    path("/held/<str:token>/page/<int:number>.png", views_held.held_page, name="held-page"),
    path("/held/<str:token>/document", views_held.held_document, name="held-document"),
    *urls_integrations.patterns,
]
urlpatterns = [path("<id:organisation_id>", include(_pages))]
