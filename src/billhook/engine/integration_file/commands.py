"""Commands and steps read out of tables (TOML, JSON), with every mistake of their form."""

from __future__ import annotations

from typing import Any, Final

from billhook.engine.config import (
    DEFAULT_ACCEPT,
    DEFAULT_MAX_BYTES,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
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
from billhook.engine.integration_file.tables import Table, kind_of

STEP_KEYS: Final = (
    "method",
    "url",
    "headers",
    "body",
    "sign_in",
    "side_effects",
    "repeatable",
    "compressed",
    "derive",
    "extract",
    "success_when",
    "not_found_when",
    "repeat_until",
    "answer",
    "on_not_found",
)
"""What stands in a step; beside the command's settings where there is one request."""
PATH_KINDS: Final = ("json", "xpath", "header", "regex")
ANSWER_KINDS: Final = ("body", "base64", "url", "zip", "link")
MAX_NESTING: Final = 3
"""Steps inside ``on_not_found`` may have such steps themselves, so deep at most."""
_PATH: Final = 'a JSONPath in quotes, or a table such as { xpath = "//Id" }'


def read_command(name: str, table: Table) -> CommandConfig:
    """Read one command's table."""
    config = CommandConfig(
        name=name,
        steps=_read_steps(table),
        tokens=table.texts("tokens"),
        accept=table.texts("accept", DEFAULT_ACCEPT),
        redirects=table.text("redirects", "follow"),
        timeout=table.number("timeout", DEFAULT_TIMEOUT),
        max_bytes=table.integer("max_bytes", DEFAULT_MAX_BYTES),
        retries=table.integer("retries", DEFAULT_RETRIES),
    )
    table.end()
    return config


def _read_steps(table: Table) -> tuple[StepConfig, ...]:
    if "steps" not in table:
        return (_read_step(table),)
    for key in STEP_KEYS:
        if table.value(key) is not None:
            message = f'With [[steps]], "{key}" stands in a step, not beside the steps. Move it.'
            table.complain("misplaced-key", message, key=key)
    return _read_step_tables(table, "steps")


def _read_step_tables(table: Table, key: str, depth: int = 0) -> tuple[StepConfig, ...]:
    if depth > MAX_NESTING:
        table.complain("too-many", f"on_not_found is nested {MAX_NESTING} deep at most.", key=key)
        return ()
    return tuple(read_step(step, depth=depth) for step in table.tables(key))


def read_step(table: Table, *, depth: int = 0) -> StepConfig:
    """Read a step that has a table of its own."""
    config = _read_step(table, name=table.text("name"), depth=depth)
    table.end()
    return config


def _read_step(table: Table, name: str = "", depth: int = 0) -> StepConfig:
    return StepConfig(
        name=name,
        method=table.text("method", "GET"),
        url=table.required_text("url", "https://billing.example.com/items/{{InvoiceNumber}}"),
        headers=table.pairs("headers"),
        body=table.text("body"),
        sign_in=table.optional_truth("sign_in"),
        side_effects=table.truth("side_effects"),
        repeatable=table.truth("repeatable"),
        compressed=table.truth("compressed"),
        derive=_read_derives(table),
        extract=_read_extracts(table),
        success_when=read_conditions(table, "success_when"),
        not_found_when=read_conditions(table, "not_found_when"),
        on_not_found=_read_on_not_found(table, depth + 1),
        repeat_until=_read_repeat(table),
        answer=_read_answer(table),
    )


def _read_on_not_found(table: Table, depth: int) -> tuple[StepConfig, ...]:
    return _read_step_tables(table, "on_not_found", depth)


def _read_derives(table: Table) -> tuple[DeriveConfig, ...]:
    inside = table.table("derive")
    return tuple(_read_derive(inside, name) for name in inside)


def _read_derive(inside: Table, name: str) -> DeriveConfig:
    value = inside.value(name)
    if isinstance(value, str):
        return DeriveConfig(name=name, template=value)
    if not isinstance(value, dict):
        _complain_of_kind(inside, name, 'a template in quotes, or a table { template = "…" }')
        return DeriveConfig(name=name, template="")
    table = inside.table(name)
    config = DeriveConfig(
        name=name,
        template=table.required_text("template", "{{User}}:{{ApiKey}}"),
        function=table.text("function"),
    )
    table.end()
    return config


def _complain_of_kind(table: Table, key: str, expected: str) -> None:
    message = f'"{key}" has to be {expected}, not {kind_of(table.value(key))}.'
    table.complain("wrong-type", message, key=key)


def _read_extracts(table: Table) -> tuple[ExtractConfig, ...]:
    inside = table.table("extract")
    return tuple(_read_extract(inside, name) for name in inside)


def _read_extract(inside: Table, name: str) -> ExtractConfig:
    value = inside.value(name)
    if not isinstance(value, dict):
        return ExtractConfig(name=name, path=_read_path_at(inside, name))
    table = inside.table(name)
    defaults = ExtractConfig(name=name, path=_required_path(table))
    config = ExtractConfig(
        name=name,
        path=defaults.path,
        none=table.text("none", defaults.none),
        many=table.text("many", defaults.many),
        secret=table.truth("secret"),
        url=table.truth("url"),
    )
    table.end()
    return config


def _read_path_at(table: Table, key: str) -> PathConfig:
    """Read the path at *key*: a text is a JSONPath, and a table says which kind it is."""
    value = table.value(key)
    if isinstance(value, str):
        return PathConfig(kind="json", text=value)
    if not isinstance(value, dict):
        _complain_of_kind(table, key, _PATH)
        return PathConfig(kind="json", text="$")
    inner = table.table(key)
    path = _required_path(inner)
    inner.end()
    return path


def _required_path(table: Table) -> PathConfig:
    path = _read_path(table)
    if path is None:
        message = f"There is no path here. Write {_PATH}; others are {', '.join(PATH_KINDS)}."
        table.complain("missing-key", message)
        return PathConfig(kind="json", text="$")
    return path


def _read_path(table: Table) -> PathConfig | None:
    """Read the path that stands in *table* beside other keys, if one does."""
    kinds = [kind for kind in PATH_KINDS if kind in table]
    texts = {kind: table.text(kind) for kind in PATH_KINDS}
    namespaces = table.text_table("namespaces")
    if len(kinds) > 1:
        message = f"There are {len(kinds)} paths here ({', '.join(kinds)}). Keep one."
        table.complain("misplaced-key", message, key=kinds[1])
    if namespaces and kinds[:1] != ["xpath"]:
        message = "namespaces go with an xpath. Remove them."
        table.complain("misplaced-key", message, key="namespaces")
        namespaces = {}
    if not kinds:
        return None
    return PathConfig(kind=kinds[0], text=texts[kinds[0]], namespaces=namespaces)


def read_conditions(table: Table, key: str) -> tuple[ConditionConfig, ...]:
    """Read the list of conditions at *key*."""
    return tuple(_read_condition(each) for each in table.tables(key))


def _read_condition(table: Table) -> ConditionConfig:
    config = ConditionConfig(
        status=table.integers("status"),
        path=_read_path(table),
        body_contains=table.text("body_contains"),
        equals=table.scalar("equals"),
        not_equals=table.scalar("not_equals"),
        one_of=table.scalars("one_of"),
        matches=table.text("matches"),
        exists=table.optional_truth("exists"),
    )
    table.end()
    return config


def _read_repeat(table: Table) -> RepeatConfig | None:
    inside = table.table("repeat_until")
    if "repeat_until" not in table:
        return None
    defaults = RepeatConfig(when=())
    config = RepeatConfig(
        when=read_conditions(inside, "when"),
        pause=inside.number("pause", defaults.pause),
        times=inside.integer("times", defaults.times),
    )
    inside.end()
    return config


def _read_answer(table: Table) -> AnswerConfig | None:
    inside = table.table("answer")
    if "answer" not in table:
        return None
    kinds = [kind for kind in ANSWER_KINDS if kind in inside]
    values = {kind: inside.value(kind) for kind in ANSWER_KINDS}
    kind = kinds[0] if kinds else "body"
    if len(kinds) > 1:
        message = f"The document is in one place, not in {' and '.join(kinds)}. Keep one of them."
        inside.complain("misplaced-key", message, key=kinds[1])
    config = AnswerConfig(
        kind=kind,
        path=_read_answer_path(inside, kind, values[kind]),
        pattern=inside.text("zip") if kind == "zip" else "",
        sign_in=inside.truth("sign_in"),
        name=_read_fact(inside, "name"),
        type=_read_fact(inside, "type"),
    )
    inside.end()
    return config


def _read_answer_path(table: Table, kind: str, value: Any) -> PathConfig | None:
    """Read where the document, its URL or the link stands; ``true`` is the whole body."""
    if kind == "zip" or value is True:
        return None
    if kind == "body":
        if kind in table:
            table.complain("wrong-type", "Write body = true, or leave it out.", key=kind)
        return None
    if isinstance(value, str | dict):
        return _read_path_at(table, kind)
    _complain_of_kind(table, kind, f"{_PATH}, or true for the whole body")
    return None


def _read_fact(table: Table, key: str) -> FactConfig | None:
    value = table.value(key)
    if key not in table:
        return None
    if isinstance(value, str):
        return FactConfig(path=PathConfig(kind="json", text=value))
    inside = table.table(key)
    config = FactConfig(path=_read_path(inside), template=inside.text("template"))
    inside.end()
    return config
