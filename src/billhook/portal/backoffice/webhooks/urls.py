"""The addresses of the pages of webhooks."""

from __future__ import annotations

from django.urls import path

from billhook.portal.backoffice.webhooks import views

patterns = [
    path("/webhooks", views.webhooks, name="webhooks"),
    path("/webhooks/<id:endpoint_id>", views.webhook, name="webhook"),
    path("/webhooks/<id:endpoint_id>/secret", views.new_secret, name="webhook-secret"),
    path("/webhooks/<id:endpoint_id>/pause", views.pause, name="webhook-pause"),
    path("/webhooks/<id:endpoint_id>/resume", views.resume, name="webhook-resume"),
    path("/webhooks/<id:endpoint_id>/test", views.test, name="webhook-test"),
    path("/webhooks/<id:endpoint_id>/replay", views.replay, name="webhook-replay"),
    path("/webhooks/<id:endpoint_id>/again/<id:event_id>", views.again, name="webhook-again"),
    path("/webhooks/<id:endpoint_id>/remove", views.remove, name="webhook-remove"),
]
