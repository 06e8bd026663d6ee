"""A migration that drops the index of a field."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AlterField
from django.db.migrations.state import ProjectState


class WithoutIndex(AlterField):
    """Alters a field in nothing but that it has no index of its own.

    Django would copy the whole table for that on SQLite.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,  # noqa: ARG002 - the signature is Django's
    ) -> None:
        """Drop the indexes of the field's column alone: PostgreSQL has two for a text."""
        meta = from_state.apps.get_model(app_label, self.model_name)._meta  # noqa: SLF001
        column, connection = meta.get_field(self.name).column, schema_editor.connection
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, meta.db_table)
        for name, facts in found.items():
            if facts["index"] and not facts["unique"] and facts["columns"] == [column]:
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")
