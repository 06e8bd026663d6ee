"""Secrets that were stored by the first release keep working, and are bound as new ones are."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
from django.apps import apps
from django.db import connection

from billhook.engine.errors import ConfigurationError
from billhook.portal.integrations import services
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration, StoredSecret
from portal.cast import make_cast
from portal.integration_cast import command, integration

MIGRATION = "billhook.portal.integrations.migrations.0005_bind_secrets_to_commands"
OLD = {"uses": [["https://billing.acme.example", "follow"]]}


def upgrade() -> None:
    with connection.schema_editor() as editor:
        importlib.import_module(MIGRATION).bind(apps, editor)


@pytest.mark.django_db(transaction=True)
def test_a_secret_of_the_first_release_is_bound_to_the_commands_as_they_are() -> None:
    row = integration(make_cast().harper)
    StoredSecret.objects.update(bound_to=OLD)
    upgrade()
    row = Integration.objects.get(id=row.id)
    renamed = replace(draft_of(row), name="Renamed")
    services.save_integration(integration=row, draft=renamed, version=row.version)
    row = Integration.objects.get(id=row.id)
    changed = replace(draft_of(row), commands=(command(url="{{BaseUrl}}/echo"),))
    with pytest.raises(ConfigurationError, match="Type ApiKey again"):
        services.save_integration(integration=row, draft=changed, version=row.version)
