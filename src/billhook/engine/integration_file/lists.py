"""List commands in tables (TOML, JSON): read with every problem, and written without loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from billhook.engine.config import CommandConfig, ConditionConfig, PathConfig, Scalar
from billhook.engine.field import FieldInfo
from billhook.engine.integration_file.commands import (
    COMMAND_KINDS,
    command_table,
    optional_path,
    path_table,
    read_command,
    read_path_at,
    required_path,
    shortest,
)
from billhook.engine.integration_file.fields import FileKind, FileKinds, read_fields, write_fields
from billhook.engine.integration_file.tables import Table
from billhook.engine.list_config import (
    FROM_AMOUNTS,
    LIST_COMMANDS,
    LIST_TYPES,
    ROW_FIELDS,
    ROW_PATH_KINDS,
    CaseConfig,
    ChangesConfig,
    CsvConfig,
    InnerRowsConfig,
    LimitsConfig,
    ListCommandConfig,
    MapConfig,
    MappedFieldConfig,
    NudgeConfig,
    PagesConfig,
    PassConfig,
    RemainingConfig,
    RowsConfig,
    SafeguardConfig,
    TotalConfig,
)

_Config = TypeVar("_Config")
_NAME: Final = ("name",)
CONTACTS: Final = "contacts"
"""The one key of a map that has rows of its own."""
STATUS: Final = "status"
_PLACES: Final = ("json", "xpath")


def read_any_command(name: str, table: Table) -> CommandConfig:
    """Read the table of a command, which is a list command if it has the name of one."""
    return (_read_list_command if name in LIST_COMMANDS else read_command)(name, table)


def any_command_table(config: CommandConfig) -> dict[str, Any]:
    """Return *config* as a table of a file, without defaults."""
    if isinstance(config, ListCommandConfig):
        return write_fields(config, LIST_KINDS, without=_NAME)
    return command_table(config)


def _read_list_command(name: str, table: Table) -> ListCommandConfig:
    owner = LIST_TYPES.command
    config = owner(name=name, **read_fields(owner, table, LIST_KINDS, without=_NAME))
    table.end()
    return config


def _read_all(owner: type[_Config], table: Table) -> _Config:
    """Read a table whose keys are the described fields of *owner*."""
    config = owner(**read_fields(owner, table, LIST_KINDS))
    table.end()
    return config


def _table_kind(owner: type) -> FileKind:
    """Return the kind of a field that is a table with the described fields of *owner*."""

    def read(table: Table, info: FieldInfo) -> Any:
        inside = table.table(info.key)
        return _read_all(owner, inside) if info.key in table else info.default

    def write(value: Any, info: FieldInfo) -> dict[str, Any]:
        table = write_fields(value, LIST_KINDS)
        return {info.key: table or ({"kind": value.kind} if hasattr(value, "kind") else {})}

    return FileKind("table", read, write)


def _read_rows(table: Table, info: FieldInfo) -> RowsConfig | None:
    value = table.value(info.key)
    if isinstance(value, str):
        return RowsConfig(path=PathConfig(kind="json", text=value))
    if info.key not in table:
        return None
    return _read_all(RowsConfig, table.table(info.key))


def _read_place(table: Table, info: FieldInfo) -> PathConfig | None:  # noqa: ARG001 - as every kind
    return optional_path(table, _PLACES)


def _read_row_path_here(table: Table, info: FieldInfo) -> PathConfig | None:  # noqa: ARG001
    return _column_or_path(table)


def _column_or_path(table: Table) -> PathConfig | None:
    value = table.value("column")
    if isinstance(value, int) and not isinstance(value, bool):  # the number of a column
        return PathConfig(kind="column", text=str(value))
    return optional_path(table, ROW_PATH_KINDS)


def _read_row_path_at(table: Table, key: str) -> PathConfig:
    if isinstance(table.value(key), dict):
        inside = table.table(key)
        path = _column_or_path(inside) or required_path(inside, ROW_PATH_KINDS)
        inside.end()
        return path
    return read_path_at(table, key, ROW_PATH_KINDS)


def _read_row_path(table: Table, info: FieldInfo) -> PathConfig | None:
    is_given = table.value(info.key) is not None
    return _read_row_path_at(table, info.key) if is_given else None


def _read_path_at_key(table: Table, info: FieldInfo) -> PathConfig | None:
    return read_path_at(table, info.key) if table.value(info.key) is not None else None


def _write_path_at(path: PathConfig, info: FieldInfo) -> dict[str, Any]:
    return {info.key: _path_value(path)}


def _path_value(path: PathConfig) -> Any:
    return shortest(path_table(path), "json")


def _read_row_paths(table: Table, info: FieldInfo) -> tuple[PathConfig, ...]:
    """Read a path, or a list of paths."""
    value = table.value(info.key)
    if info.key not in table:
        return ()
    if not isinstance(value, list | tuple):
        return (_read_row_path_at(table, info.key),)
    inside = Table(
        {str(number): each for number, each in enumerate(value)},
        table.path_of(info.key),
        table.problems,
    )
    return tuple(_read_row_path_at(inside, key) for key in inside)


def _write_row_paths(paths: tuple[PathConfig, ...], info: FieldInfo) -> dict[str, Any]:
    values = [_path_value(path) for path in paths]
    return {info.key: values[0] if len(values) == 1 and info.key == "minus" else values}


def _read_conditions(table: Table, info: FieldInfo) -> tuple[ConditionConfig, ...]:
    return tuple(_read_condition(each) for each in table.tables(info.key))


def _read_condition(table: Table) -> ConditionConfig:
    """Read a condition on a row, whose path may be a column."""
    kinds = {**LIST_KINDS, "path": LIST_KINDS["row-path-here"]}
    config = ConditionConfig(**read_fields(ConditionConfig, table, kinds))
    table.end()
    return config


def _write_conditions(configs: tuple[ConditionConfig, ...], info: FieldInfo) -> dict[str, Any]:
    return {info.key: [write_fields(each, LIST_KINDS) for each in configs]}


def _read_total(table: Table, info: FieldInfo) -> TotalConfig | None:
    value = table.value(info.key)
    if isinstance(value, str):
        return TotalConfig(path=PathConfig(kind="json", text=value))
    if info.key not in table:
        return None
    inside = table.table(info.key)
    config = TotalConfig(
        path=required_path(inside),
        **read_fields(TotalConfig, inside, LIST_KINDS, without=("path",)),
    )
    inside.end()
    return config


def _write_total(config: TotalConfig, info: FieldInfo) -> dict[str, Any]:
    table = path_table(config.path) | write_fields(config, LIST_KINDS, without=("path",))
    return {info.key: shortest(table, "json")}


def _read_map(table: Table, info: FieldInfo) -> MapConfig | None:
    inside = table.table(info.key)
    return _map_in(inside) if info.key in table else None


def _map_in(table: Table) -> MapConfig:
    fields, contacts = [], None
    for name in table:
        if name == CONTACTS:
            contacts = _read_inner_rows(table.table(name))
        else:
            fields.append(_read_mapped(table, name))
    return MapConfig(fields=tuple(sorted(fields, key=_order)), contacts=contacts)


def _order(field: MappedFieldConfig) -> tuple[int, str]:
    """Return the position of a field in every map: a file may have them in any order."""
    known = field.name in ROW_FIELDS
    return (ROW_FIELDS.index(field.name) if known else len(ROW_FIELDS), field.name)


def _read_inner_rows(table: Table) -> InnerRowsConfig:
    path = required_path(table, _PLACES)
    inner = _map_in(table.table("map"))
    if "map" not in table:
        table.report("missing-key", '"map" is missing: it says which field is which.')
    table.end()
    return InnerRowsConfig(path=path, map=inner)


def _read_mapped(table: Table, name: str) -> MappedFieldConfig:
    """Read one field: a text is a JSONPath, and a table has more."""
    value = table.value(name)
    if name == STATUS and value == FROM_AMOUNTS:
        return MappedFieldConfig(name=name, value=FROM_AMOUNTS)
    if isinstance(value, str):
        return MappedFieldConfig(name=name, path=PathConfig(kind="json", text=value))
    if not isinstance(value, dict):
        table.report_kind(name, 'a JSONPath in quotes, or a table such as { column = "No" }')
        return MappedFieldConfig(name=name, path=PathConfig(kind="json", text="$"))
    inside = table.table(name)
    config = MappedFieldConfig(
        name=name, **read_fields(MappedFieldConfig, inside, LIST_KINDS, without=_NAME)
    )
    inside.end()
    return config


def _write_map(config: MapConfig, info: FieldInfo) -> dict[str, Any]:
    return {info.key: _map_table(config)}


def _map_table(config: MapConfig) -> dict[str, Any]:
    table = {field.name: _mapped_value(field) for field in config.fields}
    if config.contacts is not None:
        inner = _map_table(config.contacts.map)
        table[CONTACTS] = path_table(config.contacts.path) | {"map": inner}
    return table


def _mapped_value(config: MappedFieldConfig) -> Any:
    table = write_fields(config, LIST_KINDS, without=_NAME)
    if config.name == STATUS and table == {"value": FROM_AMOUNTS}:
        return FROM_AMOUNTS
    return shortest(table, "json")


def _read_mapped_at(table: Table, info: FieldInfo) -> MappedFieldConfig | None:
    return _read_mapped(table, info.key) if table.value(info.key) is not None else None


def _read_minor_units(table: Table, info: FieldInfo) -> Any:
    value = table.value(info.key)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        inside = table.table(info.key)
        return {name: inside.integer(name, 0) for name in inside}
    table.report_kind(info.key, "true, a number of digits, or a table such as { ISK = 2 }")
    return None


def _read_scalar_table(table: Table, info: FieldInfo) -> dict[str, Scalar] | None:
    inside = table.table(info.key)
    if info.key not in table:
        return None
    values = {name: inside.scalar(name) for name in inside}
    return {name: value for name, value in values.items() if value is not None}


def _read_tables(owner: type[_Config]) -> Any:
    return lambda table, info: tuple(_read_all(owner, each) for each in table.tables(info.key))


def _write_tables(configs: tuple[Any, ...], info: FieldInfo) -> dict[str, Any]:
    return {info.key: [write_fields(each, LIST_KINDS) for each in configs]}


def _read_optional_integer(table: Table, info: FieldInfo) -> int | None:
    return table.integer(info.key, 0) if table.value(info.key) is not None else None


def _read_day(table: Table, info: FieldInfo) -> str:
    """Read a date, in quotes or as TOML has it."""
    value = table.value(info.key)
    if info.key in table and not isinstance(value, str) and hasattr(value, "isoformat"):
        return str(value.isoformat())
    return table.text(info.key)


_TEXT: Final = COMMAND_KINDS["text"]
LIST_KINDS: Final[FileKinds] = COMMAND_KINDS | {  # type: ignore[operator]
    "yes": FileKind("boolean", lambda table, info: table.boolean(info.key, default=True)),
    "duration": _TEXT,
    "percent": _TEXT,
    "day": FileKind("date", _read_day),
    "optional-whole-number": FileKind("whole number", _read_optional_integer),
    "rows": FileKind("path or table", _read_rows, lambda value, info: {info.key: _rows(value)}),
    "csv": _table_kind(CsvConfig),
    "path": FileKind("path", _read_place, COMMAND_KINDS["path"].write),
    "path-at-key": FileKind("path", _read_path_at_key, _write_path_at),
    "row-path": FileKind("path", _read_row_path, _write_path_at),
    "row-path-here": FileKind("path", _read_row_path_here, lambda value, _: path_table(value)),
    "row-paths": FileKind("list of paths", _read_row_paths, _write_row_paths),
    "row-conditions": FileKind("list of tables", _read_conditions, _write_conditions),
    "total": FileKind("path or table", _read_total, _write_total),
    "map": FileKind("table", _read_map, _write_map),
    "mapped-field": FileKind(
        "path or table", _read_mapped_at, lambda value, info: {info.key: _mapped_value(value)}
    ),
    "minor-units": FileKind("boolean, whole number or table", _read_minor_units),
    "scalar-table": FileKind("table", _read_scalar_table),
    "cases": FileKind("list of tables", _read_tables(CaseConfig), _write_tables),
    "pages": _table_kind(PagesConfig),
    "changes": _table_kind(ChangesConfig),
    "passes": FileKind("list of tables", _read_tables(PassConfig), _write_tables),
    "limits": _table_kind(LimitsConfig),
    "remaining": _table_kind(RemainingConfig),
    "safeguard": _table_kind(SafeguardConfig),
    "nudge": _table_kind(NudgeConfig),
}
"""Every kind of field of a list command."""


def _rows(config: RowsConfig) -> Any:
    return shortest(write_fields(config, LIST_KINDS), "json")
