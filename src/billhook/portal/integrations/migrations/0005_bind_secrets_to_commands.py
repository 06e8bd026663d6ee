"""Bind the secrets that are stored to the commands that use them now."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


def bind(apps: Any, schema_editor: Any) -> None:
    """Bind each stored secret to its integration as it is. One that can't be read stays as it is.

    Its secrets are then asked for when it is edited.
    """
    rows = apps.get_model("integrations", "Integration").objects.using(
        schema_editor.connection.alias
    )
    for row in rows.prefetch_related("stored_secrets"):
        bindings = _bindings(row)
        for secret in row.stored_secrets.all():
            if secret.name in bindings:
                secret.bound_to = bindings[secret.name]
                secret.save(update_fields=["bound_to"])


def _bindings(row: Any) -> dict[str, dict[str, Any]]:
    # the format of the rows is the stable one of integration files, so today's code reads them
    from billhook.engine.errors import ConfigurationError
    from billhook.engine.integration import try_to_compile
    from billhook.portal.integrations.drafts import draft_of
    from billhook.portal.integrations.secret_binding import bindings_of

    try:
        config = draft_of(row).config()
        bindings = bindings_of(config, try_to_compile(config).integration)
    except ConfigurationError:
        return {}
    return {name: binding.to_json() for name, binding in bindings.items()}


class Migration(migrations.Migration):
    """Secrets were bound to origins before."""

    dependencies: ClassVar = [("integrations", "0004_authentication")]
    operations: ClassVar = [migrations.RunPython(bind, migrations.RunPython.noop)]
