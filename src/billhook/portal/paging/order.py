"""The order of a list, and the condition for the rows after one of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F, Field, Func, Model, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order of a list: fields from the first, all in the same direction; the last is unique.

    Rows without a value in the first field come last, whatever the direction. The other fields
    always have one. *name* is the word for this order in a page's address.
    """

    name: str
    fields: tuple[str, ...]
    is_descending: bool = False

    def __str__(self) -> str:
        return f"-{self.name}" if self.is_descending else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a list in which every row has a value in each of *fields*, or lacks the first."""

    fields: tuple[str, ...]
    condition: Q

    def sorted(self, rows: QuerySet[Any], *, is_descending: bool) -> QuerySet[Any]:
        """Return those of *rows* in this stretch, in order."""
        signs = "-" if is_descending else ""
        return rows.filter(self.condition).order_by(*(f"{signs}{name}" for name in self.fields))


def stretches_of(model: type[Model], order: Order) -> list[Stretch]:
    """Return the stretches of a list in *order*: two where the first field may be empty."""
    first = order.fields[0]
    if not field_at(model, first).null:
        return [Stretch(fields=order.fields, condition=Q())]
    return [
        Stretch(fields=order.fields, condition=Q(**{f"{first}__isnull": False})),
        Stretch(fields=order.fields[1:], condition=Q(**{f"{first}__isnull": True})),
    ]


def field_at(model: type[Model], path: str) -> Field[Any, Any]:
    """Return the field at *path*, such as ``customer__name``."""
    name, _, rest = path.partition("__")
    field = model._meta.get_field(name)  # noqa: SLF001 - Django's documented way to its fields
    if rest:
        return field_at(field.related_model, rest)  # type: ignore[arg-type]
    assert isinstance(field, Field)  # noqa: S101 - for the type checker: no relation ends a path
    return field


def value_at(row: Model, path: str) -> Any:
    """Return the value of *row* at *path*."""
    value: Any = row
    for name in path.split("__"):
        value = getattr(value, name)
    return value


class Beyond(Func):
    """Whether a row is after (``>``) or before (``<``) the given values, the first counting most.

    SQL's row values, which both databases look up in an index as one range. Written with AND and
    OR instead, all rows with an equal first value would be read.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, *expressions: Any, sign: str, **extra: Any) -> None:
        super().__init__(*expressions, **extra)
        self.sign = sign

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Return the comparison of the first half of the expressions with the second."""
        compiled = [compiler.compile(each) for each in self.get_source_expressions()]
        half = len(compiled) // 2
        left, right = (
            ", ".join(sql for sql, _ in part) for part in (compiled[:half], compiled[half:])
        )
        parameters = [value for _, values in compiled for value in values]
        return f"({left}) {self.sign} ({right})", parameters


def beyond(
    model: type[Model], fields: Sequence[str], values: Sequence[Any], *, is_ascending: bool
) -> Expression:
    """Return the condition for the rows that follow the one with *values* in *fields*."""
    given = [
        Value(value, output_field=field_at(model, path))
        for path, value in zip(fields, values, strict=True)
    ]
    return Beyond(*(F(path) for path in fields), *given, sign=">" if is_ascending else "<")
