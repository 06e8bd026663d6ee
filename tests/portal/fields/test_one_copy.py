"""A table that changes in several ways in one migration keeps its rows and what refers to them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    RemoveConstraint,
)
from django.db.migrations.state import ProjectState

from billhook.portal.fields.one_copy import InOneCopy

APP = "copied"
ONCE = models.UniqueConstraint(fields=["number"], name="copied_number_once")
ONCE_WITHOUT_SOURCE = models.UniqueConstraint(
    fields=["number"], condition=models.Q(source=None), name="copied_number_once"
)
TABLES = (
    CreateModel(
        "Sheet",
        [("id", models.AutoField(primary_key=True)), ("number", models.CharField(max_length=3))],
        options={"constraints": [ONCE]},
    ),
    CreateModel(
        "Note",
        [
            ("id", models.AutoField(primary_key=True)),
            ("sheet", models.ForeignKey("copied.Sheet", models.CASCADE)),
        ],
    ),
)
CHANGE = InOneCopy(
    "sheet",
    [
        RemoveConstraint("sheet", "copied_number_once"),
        AddField("sheet", "source", models.CharField(max_length=5, null=True)),
        AddField("sheet", "kind", models.CharField(max_length=5, default="it's")),
        AlterField("sheet", "number", models.CharField(max_length=9)),
        AddIndex("sheet", models.Index(fields=["kind"], name="copied_kind")),
        AddConstraint("sheet", ONCE_WITHOUT_SOURCE),
    ],
)


@pytest.mark.django_db(transaction=True)
def test_a_table_is_changed_with_its_rows_and_references() -> None:
    state = ProjectState()
    with connection.schema_editor() as editor:
        for table in TABLES:
            before = state.clone()
            table.state_forwards(APP, state)
            table.database_forwards(APP, editor, before, state)
    sheet = state.apps.get_model(APP, "Sheet").objects.create(number="1")
    state.apps.get_model(APP, "Note").objects.create(sheet=sheet)
    after = state.clone()
    CHANGE.state_forwards(APP, after)
    with connection.schema_editor() as editor:
        CHANGE.database_forwards(APP, editor, state, after)
    try:
        _check(after)
    finally:
        with connection.schema_editor() as editor:
            for name in ("Note", "Sheet"):
                editor.delete_model(after.apps.get_model(APP, name))


def _check(state: ProjectState) -> None:
    sheets = state.apps.get_model(APP, "Sheet").objects
    note = state.apps.get_model(APP, "Note").objects.select_related("sheet").get()
    assert (note.sheet.number, note.sheet.source, note.sheet.kind) == ("1", None, "it's")
    sheets.create(number="1", source="a")
    sheets.create(number="123456789", source="a")
    with pytest.raises(IntegrityError), transaction.atomic():
        sheets.create(number="1")
    connection.check_constraints()
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "copied_sheet")
    assert {"copied_kind", "copied_number_once"} <= found.keys()
