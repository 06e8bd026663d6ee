"""The addresses of integrations, runs and API keys, below those of their organisation."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from billhook.portal.backoffice import (
    views_connect,
    views_files,
    views_integrations,
    views_keys,
    views_presets,
    views_runs,
)

_integrations = [
    path("", views_integrations.integrations, name="integrations"),
    path("/add", views_presets.gallery, name="integration-add"),
    path("/add/<slug:preset_name>", views_presets.preset, name="integration-preset"),
    path("/new", views_integrations.new_integration, name="integration-new"),
    path("/new/preview", views_integrations.preview, name="integration-new-preview"),
    path("/new/try", views_integrations.send, name="integration-new-try"),
    path("/import", views_files.import_integration, name="integration-import"),
    path("/<id:integration_id>", views_integrations.integration, name="integration"),
    path("/<id:integration_id>/preview", views_integrations.preview, name="integration-preview"),
    path("/<id:integration_id>/try", views_integrations.send, name="integration-try"),
    path(
        "/<id:integration_id>/delete",
        views_integrations.delete_integration,
        name="integration-delete",
    ),
    path(
        "/<id:integration_id>/switch",
        views_integrations.switch_integration,
        name="integration-switch",
    ),
    path("/<id:integration_id>/move", views_integrations.move_integration, name="integration-move"),
    path("/<id:integration_id>/connect", views_connect.connect, name="integration-connect"),
    path(
        "/<id:integration_id>/disconnect",
        views_connect.disconnect,
        name="integration-disconnect",
    ),
    path(
        "/<id:integration_id>/export",
        views_files.export_integration,
        name="integration-export",
    ),
]
_runs = [
    path("", views_runs.runs, name="runs"),
    path("/<id:run_id>", views_runs.run, name="run"),
]
_keys = [
    path("", views_keys.keys, name="keys"),
    path("/<id:key_id>/change", views_keys.change_key, name="key-change"),
    path("/<id:key_id>/revoke", views_keys.revoke_key, name="key-revoke"),
]
patterns: list[URLPattern | URLResolver] = [
    path("/integrations", include(_integrations)),
    path("/runs", include(_runs)),
    path("/keys", include(_keys)),
]
