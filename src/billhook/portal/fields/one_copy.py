"""A migration of one table that SQLite does with a single copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class InOneCopy(Operation):
    """Changes one table by *operations*, which only add or alter its fields and constraints.

    SQLite can't alter a constraint or most columns: Django copies the whole table for each change.
    Here it is copied once. Other databases alter it, one operation after the other.
    """

    reversible = False

    def __init__(self, model_name: str, operations: Sequence[Operation]) -> None:
        self.model_name = model_name
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change *state* as all operations together do."""
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Change the table."""
        if schema_editor.connection.vendor == "sqlite":
            self._copy(app_label, schema_editor, from_state, to_state)
            return
        before = from_state
        for operation in self.operations:
            after = before.clone()
            operation.state_forwards(app_label, after)
            operation.database_forwards(app_label, schema_editor, before, after)
            before = after

    def database_backwards(self, *_: Any) -> None:
        """Refuse: an older Billhook couldn't read the rows."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return the sentence that ``migrate`` prints."""
        return f"Change the table of {self.model_name}"

    def _copy(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create the new table under another name, fill it, and let it take the old one's place."""
        old = _table_of(from_state.apps.get_model(app_label, self.model_name))
        passing = to_state.clone()
        options = {"db_table": f"new__{old.name}"}
        passing.alter_model_options(app_label, self.model_name.lower(), options)
        new_model = passing.apps.get_model(app_label, self.model_name)
        new, quoted = _table_of(new_model), schema_editor.quote_name
        values = {
            column: quoted(column)
            if column in old.fields
            else _literal(schema_editor.effective_default(field))
            for column, field in new.fields.items()
        }
        schema_editor.create_model(new_model)
        schema_editor.execute(
            f"INSERT INTO {quoted(new.name)} ({', '.join(map(quoted, values))}) "  # noqa: S608 - ours
            f"SELECT {', '.join(values.values())} FROM {quoted(old.name)}"
        )
        schema_editor.execute(f"DROP TABLE {quoted(old.name)}")
        schema_editor.alter_db_table(new_model, new.name, old.name)
        for statement in schema_editor.deferred_sql:  # the indexes, whose names are free now
            schema_editor.execute(statement)
        schema_editor.deferred_sql.clear()


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    fields: dict[str, Any]
    """By their columns."""


def _table_of(model: type[Model]) -> _Table:
    meta = model._meta  # noqa: SLF001 - Django's documented API of models
    return _Table(meta.db_table, {str(field.column): field for field in meta.local_concrete_fields})


def _literal(value: object) -> str:
    """Return the default of a field as SQL: no value, or a text, which our own models have."""
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
