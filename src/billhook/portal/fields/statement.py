"""A query that is written once and run many times, each time with other values.

Django builds the SQL of a query again for each use, which takes ten times as long as running it. A
statement keeps the SQL of a queryset, so that a door's own queryset (``access``) stays the only
place that says which rows somebody gets, also where each fraction of a millisecond counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet, query

M = TypeVar("M", bound=Model)

_populators_of: Any = query.get_related_populators  # stubs have it of a later Django


class Slot(str):
    """The name of a value that is given when the statement runs; a text of the queryset."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The SQL of a queryset for one connection, and the way from its row to an object."""

    sql: str
    parameters: tuple[Any, ...]
    compiler: Any
    converters: Any
    own: slice
    names: Sequence[str]
    populators: Sequence[Any]


class Statement(Generic[M]):
    """The first row of the queryset that *build* returns, with its slots filled.

    The queryset may filter by slots and select related rows; what it annotates or prefetches isn't
    on the objects. Each thread has its own SQL, as it has its own connection.
    """

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build
        self._here = threading.local()

    def first(self, **values: str) -> M | None:
        """Return the first row, with *values* in the slots of these names; None if there is none.

        Raises:
            django.db.Error: as every query.
        """
        written = self._written()
        row = _backend().first_row(written.sql, _filled(written.parameters, values))
        return None if row is None else self._object(written, row)

    def _written(self) -> _Written:
        written: _Written | None = getattr(self._here, "written", None)
        if written is None:
            written = self._here.written = _write(self._build())
        return written

    def _object(self, written: _Written, row: Sequence[Any]) -> M:
        compiler = written.compiler
        values = list(next(iter(compiler.apply_converters([row], written.converters))))
        own = values[written.own]
        found: M = compiler.klass_info["model"].from_db(connection.alias, written.names, own)
        for populator in written.populators:
            populator.populate(values, found)
        return found


def _write(queryset: QuerySet[Any]) -> _Written:
    compiler = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    selected: Any = compiler.select
    kind: Any = compiler.klass_info
    columns = [each[0] for each in selected]
    own = slice(kind["select_fields"][0], kind["select_fields"][-1] + 1)
    return _Written(
        sql=sql,
        parameters=tuple(parameters),
        compiler=compiler,
        converters=compiler.get_converters(columns),
        own=own,
        names=[column.target.attname for column in columns[own]],
        populators=_populators_of(kind, selected, connection.alias),
    )


def _backend() -> Any:
    """Return this thread's connection, with the method that our own two backends add."""
    return connection


def _filled(parameters: Sequence[Any], values: dict[str, str]) -> list[Any]:
    return [values[each] if isinstance(each, Slot) else each for each in parameters]
