"""Commands and steps in tables (TOML, JSON): read with every problem, and written without loss."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from billhook.engine.config import (
    ANSWER_KINDS,
    PATH_KINDS,
    PATTERN_KINDS,
    TYPES,
    AnswerConfig,
    CommandConfig,
    ConditionConfig,
    DeriveConfig,
    ExtractConfig,
    FactConfig,
    PathConfig,
    RepeatConfig,
    StepConfig,
)
from billhook.engine.field import FieldInfo, fields_of
from billhook.engine.integration_file.fields import (
    KINDS,
    FileKind,
    FileKinds,
    read_fields,
    write_fields,
)
from billhook.engine.integration_file.tables import Table
from billhook.engine.list_config import LIST_COMMANDS, LIST_KEYS

_Config = TypeVar("_Config")
_Named = TypeVar("_Named", DeriveConfig, ExtractConfig)
MAX_NESTING: Final = 3
"""The depth to which steps inside ``on_not_found`` may have such steps themselves."""
_NAME: Final = ("name",)
_PATH: Final = 'a JSONPath in quotes, or a table such as { xpath = "//Id" }'
_TEMPLATE: Final = 'a template in quotes, or a table { template = "…" }'


def read_command(name: str, table: Table) -> CommandConfig:
    """Read the table of one command that isn't a list command."""
    owner = TYPES.command
    config = owner(name=name, **read_fields(owner, table, COMMAND_KINDS, without=_NAME))
    for key in LIST_KEYS:
        if key in table:
            table.value(key)
            message = f'"{key}" belongs to a command that lists: {", ".join(LIST_COMMANDS)}.'
            table.report("misplaced-key", message, key=key)
    table.end()
    return config


def read_step(table: Table) -> StepConfig:
    """Read a step that has a table of its own."""
    return _read_all(TYPES.step, table)


def read_conditions(table: Table, key: str) -> tuple[ConditionConfig, ...]:
    """Read the list of conditions at *key*."""
    return tuple(_read_all(TYPES.condition, each) for each in table.tables(key))


def command_table(config: CommandConfig) -> dict[str, Any]:
    """Return *config* as a table of a file, without defaults."""
    return write_fields(config, COMMAND_KINDS, without=_NAME)


def step_table(config: StepConfig) -> dict[str, Any]:
    """Return *config* as a table of a file, without defaults."""
    return write_fields(config, COMMAND_KINDS)


def condition_table(config: ConditionConfig) -> dict[str, Any]:
    """Return *config* as a table of a file, without defaults."""
    return write_fields(config, COMMAND_KINDS)


def _read_all(owner: type[_Config], table: Table) -> _Config:
    """Read a table whose keys are the described fields of *owner*."""
    config = owner(**read_fields(owner, table, COMMAND_KINDS))
    table.end()
    return config


def _read_requests(table: Table, info: FieldInfo) -> tuple[StepConfig, ...]:
    """Read a command's steps, or the one step whose keys are in the command's own table."""
    owner = TYPES.step
    if info.key not in table:
        return (owner(**read_fields(owner, table, COMMAND_KINDS, without=_NAME)),)
    for field in fields_of(owner):
        if field.key not in _NAME and table.value(field.key) is not None:
            message = f'With [[steps]], "{field.key}" belongs in a step. Move it there.'
            table.report("misplaced-key", message, key=field.key)
    return _read_steps(table, info)


def _write_requests(steps: tuple[StepConfig, ...], info: FieldInfo) -> dict[str, Any]:
    if len(steps) == 1 and not steps[0].name:
        return step_table(steps[0])
    return {info.key: [step_table(step) for step in steps]}


def _read_steps(table: Table, info: FieldInfo) -> tuple[StepConfig, ...]:
    if table.where.count(".on_not_found[") < MAX_NESTING:
        return tuple(read_step(step) for step in table.tables(info.key))
    if table.value(info.key) is not None:
        message = f"on_not_found can be nested at most {MAX_NESTING} deep."
        table.report("too-many", message, key=info.key)
    return ()


def _write_steps(steps: tuple[StepConfig, ...], info: FieldInfo) -> dict[str, Any]:
    return {info.key: [step_table(step) for step in steps]}


def read_derives(table: Table, key: str) -> tuple[DeriveConfig, ...]:
    """Read the table of derived values at *key*."""
    inside = table.table(key)
    return tuple(_read_derive(inside, name) for name in inside)


def _read_derive(inside: Table, name: str) -> DeriveConfig:
    value = inside.value(name)
    if isinstance(value, dict):
        return _read_named(TYPES.derive, inside, name)
    if not isinstance(value, str):
        inside.report_kind(name, _TEMPLATE)
    return TYPES.derive(name=name, template=value if isinstance(value, str) else "")


def _read_named(owner: type[_Named], inside: Table, name: str) -> _Named:
    table = inside.table(name)
    config = owner(name=name, **read_fields(owner, table, COMMAND_KINDS, without=_NAME))
    table.end()
    return config


def derives_table(configs: tuple[DeriveConfig, ...]) -> dict[str, Any]:
    """Return *configs* as a table of a file."""
    tables = {each.name: write_fields(each, COMMAND_KINDS, without=_NAME) for each in configs}
    return {name: shortest(table, "template") for name, table in tables.items()}


def _read_extracts(table: Table, info: FieldInfo) -> tuple[ExtractConfig, ...]:
    inside = table.table(info.key)
    return tuple(_read_extract(inside, name) for name in inside)


def _read_extract(inside: Table, name: str) -> ExtractConfig:
    if isinstance(inside.value(name), dict):
        return _read_named(TYPES.extract, inside, name)
    return TYPES.extract(name=name, path=read_path_at(inside, name))


def _write_extracts(configs: tuple[ExtractConfig, ...], info: FieldInfo) -> dict[str, Any]:
    tables = {each.name: write_fields(each, COMMAND_KINDS, without=_NAME) for each in configs}
    return {info.key: {name: shortest(table, "json") for name, table in tables.items()}}


def shortest(table: dict[str, Any], key: str) -> Any:
    """Return *table*, or only its value if *key* is all that it has."""
    return table[key] if list(table) == [key] else table


def read_path_at(table: Table, key: str, allowed: tuple[str, ...] = PATH_KINDS) -> PathConfig:
    """Read the path at *key*: a text is a JSONPath, and a table names its kind."""
    value = table.value(key)
    if isinstance(value, str):
        return PathConfig(kind="json", text=value)
    if not isinstance(value, dict):
        table.report_kind(key, _PATH)
        return PathConfig(kind="json", text="$")
    inner = table.table(key)
    path = required_path(inner, allowed)
    inner.end()
    return path


def _read_path(table: Table, info: FieldInfo) -> PathConfig | None:
    return required_path(table) if info.required else optional_path(table)


def required_path(table: Table, allowed: tuple[str, ...] = PATH_KINDS) -> PathConfig:
    """Read the path in *table*, among other keys; report it if there is none."""
    path = optional_path(table, allowed)
    if path is None:
        message = f"A path is missing. Write {_PATH}; the kinds are {', '.join(allowed)}."
        table.report("missing-key", message)
        return PathConfig(kind="json", text="$")
    return path


def optional_path(table: Table, allowed: tuple[str, ...] = PATH_KINDS) -> PathConfig | None:
    """Read the path whose kind, one of those *allowed*, is a key of *table*, among other keys."""
    kinds = [kind for kind in allowed if kind in table]
    texts = {kind: table.text(kind) for kind in allowed}
    namespaces = table.text_table("namespaces")
    if len(kinds) > 1:
        message = f"There are {len(kinds)} paths here ({', '.join(kinds)}). Keep one."
        table.report("misplaced-key", message, key=kinds[1])
    if namespaces and kinds[:1] != ["xpath"]:
        message = "Only an xpath has namespaces. Remove them."
        table.report("misplaced-key", message, key="namespaces")
        namespaces = {}
    if not kinds:
        return None
    return PathConfig(kind=kinds[0], text=texts[kinds[0]], namespaces=namespaces)


def path_table(path: PathConfig) -> dict[str, Any]:
    """Return *path* as keys and values of a table."""
    table: dict[str, Any] = {path.kind: path.text}
    return table | {"namespaces": dict(path.namespaces)} if path.namespaces else table


def _read_reason(table: Table, info: FieldInfo) -> PathConfig | None:
    is_given = table.value(info.key) is not None
    return read_path_at(table, info.key) if is_given else None


def _write_reason(path: PathConfig, info: FieldInfo) -> dict[str, Any]:
    return {info.key: shortest(path_table(path), "json")}


def _read_repeat(table: Table, info: FieldInfo) -> RepeatConfig | None:
    inside = table.table(info.key)
    return _read_all(TYPES.repeat, inside) if info.key in table else None


def _read_answer(table: Table, info: FieldInfo) -> AnswerConfig | None:
    inside, owner = table.table(info.key), TYPES.answer
    if info.key not in table:
        return None
    location = _read_location(inside)
    config = owner(**location, **read_fields(owner, inside, COMMAND_KINDS))
    inside.end()
    return config


def _read_location(table: Table) -> dict[str, Any]:
    """Read the kind of a document's location, with the path or the pattern that it needs."""
    kinds = [kind for kind in ANSWER_KINDS if kind in table]
    values = {kind: table.value(kind) for kind in ANSWER_KINDS}
    kind = kinds[0] if kinds else "body"
    if len(kinds) > 1:
        message = f"A document has one location, but here are {' and '.join(kinds)}. Keep one."
        table.report("misplaced-key", message, key=kinds[1])
    return {
        "kind": kind,
        "path": _read_answer_path(table, kind, values[kind]),
        "pattern": _read_pattern(table, kind, values[kind]),
    }


def _read_pattern(table: Table, kind: str, value: Any) -> str:
    """Read the pattern of a zip's file, or of a part, whose position may be a number."""
    if kind not in PATTERN_KINDS:
        return ""
    is_position = kind == "part" and isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_position else table.text(kind)


def _read_answer_path(table: Table, kind: str, value: Any) -> PathConfig | None:
    """Read the path to the document, its URL or the link; ``true`` is the whole body."""
    if kind in PATTERN_KINDS or value is True:
        return None
    if kind == "body":
        if kind in table:
            table.report("wrong-type", "Write body = true, or leave it out.", key=kind)
        return None
    if isinstance(value, str | dict):
        return read_path_at(table, kind)
    table.report_kind(kind, f"{_PATH}, or true for the whole body")
    return None


def _write_answer(config: AnswerConfig, info: FieldInfo) -> dict[str, Any]:
    path = True if config.path is None else shortest(path_table(config.path), "json")
    location = {config.kind: config.pattern if config.kind in PATTERN_KINDS else path}
    return {info.key: location | write_fields(config, COMMAND_KINDS)}


def _read_fact(table: Table, info: FieldInfo) -> FactConfig | None:
    value = table.value(info.key)
    if info.key not in table:
        return None
    if isinstance(value, str):
        return TYPES.fact(path=PathConfig(kind="json", text=value))
    return _read_all(TYPES.fact, table.table(info.key))


def _write_table(config: Any, info: FieldInfo) -> dict[str, Any]:
    return {info.key: write_fields(config, COMMAND_KINDS)}


def _write_fact(config: FactConfig, info: FieldInfo) -> dict[str, Any]:
    return {info.key: shortest(write_fields(config, COMMAND_KINDS), "json")}


COMMAND_KINDS: Final[FileKinds] = KINDS | {  # type: ignore[operator]
    "requests": FileKind("list of tables", _read_requests, _write_requests),
    "steps": FileKind("list of tables", _read_steps, _write_steps),
    "derives": FileKind(
        "table",
        lambda table, info: read_derives(table, info.key),
        lambda value, info: {info.key: derives_table(value)},
    ),
    "extracts": FileKind("table", _read_extracts, _write_extracts),
    "conditions": FileKind(
        "list of tables",
        lambda table, info: read_conditions(table, info.key),
        lambda value, info: {info.key: [condition_table(each) for each in value]},
    ),
    "path": FileKind("path", _read_path, lambda value, _: path_table(value)),
    "reason": FileKind("path", _read_reason, _write_reason),
    "repeat": FileKind("table", _read_repeat, _write_table),
    "answer": FileKind("table", _read_answer, _write_answer),
    "fact": FileKind("path or table", _read_fact, _write_fact),
}
"""Every kind of field of a command."""
