"""From the release after the first on, nodes of the release before go on with a newer database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    RemoveIndex,
    RunPython,
    SeparateDatabaseAndState,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED

from billhook.portal.fields.without_index import WithoutIndex

_HARMLESS = (CreateModel, AddIndex, AddConstraint, RunPython, RemoveIndex, WithoutIndex)

FIRST_RELEASE_OR_NEXT = {
    "customers": 2,
    "imports": 2,
    "integrations": 5,
    "invoices": 3,
    "mail": 2,
    "organisations": 2,
    "runs": 3,
}
"""The last migration of each app that needed all nodes to stop; every other one has none."""


def later_operations() -> Iterator[tuple[str, Operation]]:
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        is_ours = migration.__module__.startswith("billhook.")
        if is_ours and int(name[:4]) > max(1, FIRST_RELEASE_OR_NEXT.get(app, 0)):
            yield from ((f"{app}.{name}", operation) for operation in migration.operations)


def is_additive(operation: Operation) -> bool:
    """Say whether an older version still reads and writes the table after *operation*."""
    if isinstance(operation, AddField):
        field = operation.field
        return field.null or field.many_to_many or field.db_default is not NOT_PROVIDED
    if inner := getattr(operation, "operations", None):
        return all(map(is_additive, inner))
    if isinstance(operation, SeparateDatabaseAndState):
        return not operation.database_operations  # the database isn't touched
    return isinstance(operation, _HARMLESS)


@pytest.mark.parametrize(
    ("name", "operation"),
    [pytest.param(name, each, id=f"{name} {each.describe()}") for name, each in later_operations()],
)
def test_a_migration_only_adds(name: str, operation: Operation) -> None:
    assert is_additive(operation), f"{name}: nodes of the release before would fail"


def test_the_rule_sees_what_is_not_additive() -> None:
    from django.db import models
    from django.db.migrations import RemoveField, RenameField

    assert not is_additive(RenameField("run", "a", "b"))
    assert not is_additive(RemoveField("run", "a"))
    assert not is_additive(AddField("run", "a", models.CharField(max_length=3, default="")))
    assert is_additive(AddField("run", "a", models.CharField(max_length=3, db_default="")))
